from django.urls import path, re_path

from lib.http import converters  # noqa: F401  # registers public_id, number, …
from ratings.asking import views as asking_views
from ratings.asking.compare import views as compare_views
from ratings.asking.models import Surface
from ratings.asking.policies import views as policies_views
from ratings.benchmarks import views as benchmarks_views
from ratings.campaigns import views as campaigns_views
from ratings.campaigns.participation import views as participation_views
from ratings.challenges import views as challenges_views
from ratings.quality import views as quality_views
from ratings.releases import views as releases_views
from ratings.research import views as research_views

app_name = "ratings"
urlpatterns = [
    path("asks/for/<public_id:public_id>/", asking_views.ask, name="ask"),
    path("asks/<public_id:public_id>/answer/", asking_views.answer, name="ask-answer"),
    path("asks/<public_id:public_id>/report/", asking_views.report, name="ask-report"),
    path("answers/", quality_views.standing, name="standing"),
    path("compare/", compare_views.compare, name="compare"),
    path("compare/<public_id:public_id>/", compare_views.compare_reveal, name="compare-reveal"),
    path("compare/<public_id:public_id>/answer/", compare_views.compare_answer, name="compare-answer"),
    path(
        "compare/<public_id:public_id>/aspect/",
        compare_views.compare_answer,
        {"surface": Surface.ASPECT},
        name="aspect-answer",
    ),
    re_path(
        r"^compare/(?P<public_id>[\w-]{12})/(?P<side>left|right|picture|[0-3])\.webp$",
        compare_views.compare_picture,
        name="compare-picture",
    ),
    path("compare/<public_id:public_id>/ranking/", compare_views.ranking_answer, name="ranking-answer"),
    path("compare/<public_id:public_id>/marks/", compare_views.marks_answer, name="marks-answer"),
    path("challenge/<day:day>/vote/", challenges_views.vote, name="challenge-vote"),
    path("challenge/<day:day>/vote/<public_id:public_id>/", challenges_views.vote_answer, name="challenge-vote-answer"),
    path("datasets/mine/", releases_views.member_data_use, name="member-data-use"),
    path("benchmark/", benchmarks_views.benchmark_list, name="benchmark-list"),
    path("benchmark/<slug:slug>/", benchmarks_views.benchmark_detail, name="benchmark-detail"),
    path("benchmark/<slug:slug>/bundle.zip", benchmarks_views.benchmark_bundle, name="benchmark-bundle"),
    path("campaigns/", participation_views.campaigns, name="campaigns"),
    path("campaigns/<slug:slug>/", participation_views.campaign, name="campaign"),
    path("campaigns/<slug:slug>/agree/", participation_views.agree, name="campaign-agree"),
    path("campaigns/<slug:slug>/leave/", participation_views.leave, name="campaign-leave"),
    path("campaigns/<slug:slug>/<public_id:public_id>/", participation_views.answer, name="campaign-answer"),
    re_path(
        r"^campaigns/(?P<slug>[-\w]+)/(?P<public_id>[\w-]{12})/(?P<side>left|right|picture)\.webp$",
        participation_views.picture,
        name="campaign-picture",
    ),
    path("research/", research_views.overview, name="research"),
    path("research/aspects/", research_views.aspects, name="research-aspects"),
    path("research/models/", research_views.models, name="research-models"),
    path("research/models/<slug:first>/<slug:second>/", research_views.model_comparison, name="research-comparison"),
    path("research/responses/", research_views.responses, name="research-responses"),
    path("research/tables/<slug:name>.csv", research_views.table, name="research-table"),
    path("research/policies/", policies_views.policy_list, name="policies"),
    path("research/policies/<number:version>/new/", policies_views.policy_new, name="policy-new"),
    path("research/policies/<number:version>/edit/", policies_views.policy_edit, name="policy-edit"),
    path("research/policies/<number:version>/activate/", policies_views.policy_activate, name="policy-activate"),
    path("research/policies/<number:version>/discard/", policies_views.policy_discard, name="policy-discard"),
    path("research/raters/", quality_views.rater_list, name="raters"),
    path("research/raters/<public_id:public_id>/", quality_views.rater, name="rater"),
    path("research/appeals/<public_id:public_id>/answer/", quality_views.answer_appeal, name="quality-appeal-answer"),
    path("research/campaigns/", campaigns_views.campaign_list, name="campaign-list"),
    path("research/campaigns/new/", campaigns_views.campaign_new, name="campaign-new"),
    path("research/campaigns/<slug:slug>/", campaigns_views.campaign_detail, name="campaign-detail"),
    path("research/campaigns/<slug:slug>/start/", campaigns_views.campaign_open, name="campaign-open"),
    path("research/campaigns/<slug:slug>/end/", campaigns_views.campaign_end, name="campaign-end"),
    path("research/releases/", releases_views.release_list, name="release-list"),
    path("research/releases/new/", releases_views.release_new, name="release-new"),
    re_path(
        r"^research/releases/previews/(?P<key>[0-9a-f]{32})/$", releases_views.release_preview, name="release-preview"
    ),
    path("research/releases/<public_id:public_id>/", releases_views.release_detail, name="release-detail"),
    path("research/releases/<public_id:public_id>/cancel/", releases_views.release_cancel, name="release-cancel"),
    path("research/releases/<public_id:public_id>/follow/", releases_views.release_follow, name="release-follow"),
    path("research/releases/<public_id:public_id>/release.zip", releases_views.release_archive, name="release-archive"),
    path("research/releases/<public_id:public_id>/files/<path:name>", releases_views.release_file, name="release-file"),
]
