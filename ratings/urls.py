from django.urls import path, re_path

from ratings.views import ask, compare, policies, raters, releases, research

app_name = "ratings"
urlpatterns = [
    path("asks/for/<str:public_id>/", ask.ask, name="ask"),
    path("asks/<str:public_id>/answer/", ask.answer, name="ask-answer"),
    path("asks/<str:public_id>/report/", ask.report, name="ask-report"),
    path("answers/", raters.standing, name="standing"),
    path("compare/", compare.compare, name="compare"),
    path("compare/<str:public_id>/", compare.reveal, name="compare-reveal"),
    path("compare/<str:public_id>/answer/", compare.answer, name="compare-answer"),
    re_path(r"^compare/(?P<public_id>[\w-]{12})/(?P<side>left|right)\.webp$", compare.picture, name="compare-picture"),
    path("research/", research.overview, name="research"),
    path("research/aspects/", research.aspects, name="research-aspects"),
    path("research/models/", research.models, name="research-models"),
    path("research/models/<slug:first>/<slug:second>/", research.duel, name="research-duel"),
    path("research/responses/", research.responses, name="research-responses"),
    path("research/tables/<slug:name>.csv", research.table, name="research-table"),
    path("research/policies/", policies.policy_list, name="policies"),
    path("research/policies/<int:version>/new/", policies.policy_new, name="policy-new"),
    path("research/policies/<int:version>/edit/", policies.policy_edit, name="policy-edit"),
    path("research/policies/<int:version>/activate/", policies.policy_activate, name="policy-activate"),
    path("research/policies/<int:version>/discard/", policies.policy_discard, name="policy-discard"),
    path("research/raters/", raters.rater_list, name="raters"),
    path("research/raters/<str:public_id>/", raters.rater, name="rater"),
    path("research/appeals/<str:public_id>/answer/", raters.answer_appeal, name="quality-appeal-answer"),
    path("research/releases/", releases.release_list, name="release-list"),
    path("research/releases/new/", releases.release_new, name="release-new"),
    path("research/releases/<str:public_id>/", releases.release_detail, name="release-detail"),
    path("research/releases/<str:public_id>/cancel/", releases.release_cancel, name="release-cancel"),
    path("research/releases/<str:public_id>/release.zip", releases.release_archive, name="release-archive"),
    path("research/releases/<str:public_id>/files/<path:name>", releases.release_file, name="release-file"),
]
