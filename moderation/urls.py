from django.urls import path

from lib.http import converters  # noqa: F401  # registers public_id, number, …
from moderation.appeals import views as appeal_views
from moderation.cases import views as case_views
from moderation.decisions import views as decision_views
from moderation.evidence import views as evidence_views
from moderation.notices import views as notice_views
from moderation.restrictions import views as restriction_views
from moderation.rules import views as rule_views
from moderation.transparency import views as transparency_views

app_name = "moderation"
urlpatterns = [
    path("report/<word:target_type>/<public_id:public_id>/", case_views.report_target, name="report"),
    path("about/moderation/", transparency_views.show_about, name="about"),
    path("moderation/log/", transparency_views.show_log, name="log"),
    path("moderation/log/report/", transparency_views.show_report, name="transparency"),
    path("moderation/log/report.csv", transparency_views.download_report, name="report-csv"),
    path("moderation/notice/", notice_views.send_notice, name="notice"),
    path("moderation/notice/<secret:token>/", notice_views.show_status, name="notice-status"),
    path("moderation/statement/<secret:key>/", decision_views.show_statement, name="statement"),
    path("moderation/mine/", decision_views.list_own_decisions, name="mine"),
    path("moderation/mine/<public_id:public_id>/", decision_views.show_decision, name="decision"),
    path("moderation/", case_views.show_queue, name="queue"),
    path("moderation/next/", case_views.claim_case, name="next"),
    path("moderation/preview/", case_views.preview_statement, name="preview"),
    path("moderation/cases/<public_id:public_id>/", case_views.show_case, name="case"),
    path("moderation/cases/<public_id:public_id>/picture/", evidence_views.show_picture, name="picture"),
    path("moderation/cases/<public_id:public_id>/note/", case_views.add_note, name="note"),
    path("moderation/cases/<public_id:public_id>/claim/", case_views.claim_case, name="claim"),
    path("moderation/cases/<public_id:public_id>/release/", case_views.release_case, name="release"),
    path("moderation/recent/", decision_views.list_recent, name="recent"),
    path("moderation/decisions/<public_id:public_id>/undo/", decision_views.undo_decision, name="undo"),
    path("moderation/appeals/", appeal_views.list_appeals, name="appeals"),
    path("moderation/appeals/<public_id:public_id>/", appeal_views.show_appeal, name="appeal"),
    path("moderation/rules/", rule_views.list_rules, name="rules"),
    path("moderation/rules/<slug:slug>/", rule_views.show_rule, name="rule"),
    path("moderation/rules/<slug:slug>/retire/", rule_views.retire_rule, name="rule-retire"),
    path("moderation/rules/<slug:slug>/matches/<number:pk>/benign/", rule_views.mark_match_benign, name="rule-benign"),
    path("moderation/members/<public_id:public_id>/", restriction_views.show_member, name="member"),
    path("moderation/restrictions/<number:pk>/lift/", restriction_views.lift_restriction, name="lift"),
]
