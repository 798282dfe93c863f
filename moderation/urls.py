from django.urls import path

from moderation.views import members, moderators

app_name = "moderation"
urlpatterns = [
    path("report/<str:target_type>/<str:public_id>/", members.report, name="report"),
    path("about/moderation/", members.about, name="about"),
    path("moderation/log/", members.log, name="log"),
    path("moderation/mine/", members.my_decisions, name="mine"),
    path("moderation/mine/<str:public_id>/", members.decision, name="decision"),
    path("moderation/", moderators.queue, name="queue"),
    path("moderation/next/", moderators.claim, name="next"),
    path("moderation/preview/", moderators.preview, name="preview"),
    path("moderation/cases/<str:public_id>/", moderators.case, name="case"),
    path("moderation/cases/<str:public_id>/claim/", moderators.claim, name="claim"),
    path("moderation/cases/<str:public_id>/release/", moderators.release, name="release"),
    path("moderation/appeals/", moderators.appeals, name="appeals"),
    path("moderation/appeals/<str:public_id>/", moderators.appeal, name="appeal"),
    path("moderation/rules/", moderators.rules, name="rules"),
    path("moderation/rules/<slug:slug>/retire/", moderators.retire, name="rule-retire"),
    path("moderation/members/<str:public_id>/", moderators.member, name="member"),
    path("moderation/restrictions/<int:pk>/lift/", moderators.lift, name="lift"),
]
