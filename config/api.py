"""The whole API on one page."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import APIRootView, DefaultRouter

from accounts.api import ConsentViewSet, MeView, WebhookViewSet
from accounts.tokens.api import TokenViewSet
from accounts.tokens.scopes import Scope
from feed.challenges.api import ChallengeViewSet, ThemeIdeaViewSet
from feed.collections.api import CollectionViewSet
from feed.comments.api import CommentViewSet
from feed.members.api import BlockViewSet, FollowViewSet, HiddenPostViewSet, MuteViewSet, ProfileViewSet
from feed.notifications.api import NotificationViewSet
from feed.polls.api import PollViewSet
from feed.posts.api import PostViewSet, ReproductionViewSet
from feed.search.api import SearchViewSet
from feed.styles.api import EmergentStyleViewSet
from feed.tags.api import TagViewSet
from generation.api import CheckpointViewSet, GenerationViewSet, ImageViewSet, StyleViewSet, UploadViewSet
from generation.prompts.api import PromptExpansionView, PromptTokensView
from generation.recall.views import RecallView
from lib.http import converters  # noqa: F401  # registers day
from moderation.cases.api import CaseViewSet, ReportViewSet
from moderation.transparency.api import DecisionViewSet
from ratings.asking.api import AskViewSet, AspectComparisonViewSet, ComparisonViewSet, QuestionViewSet
from ratings.asking.marks.api import MarkingViewSet
from ratings.asking.rankings.api import RankingViewSet
from ratings.benchmarks.api import BenchmarkViewSet
from ratings.challenges.api import ChallengePairView
from ratings.releases.api import ReleaseViewSet


class Root(APIRootView):
    """The lists of the API and their addresses."""

    token_scope = Scope.READ


class SchemaView(SpectacularAPIView):
    """This document."""

    token_scope = Scope.READ


class DocsView(SpectacularSwaggerSplitView):
    token_scope = Scope.READ


router = DefaultRouter()
router.APIRootView = Root
router.include_format_suffixes = False  # `/api/posts.json` is no address of ours: everything is JSON
router.register("posts", PostViewSet, basename="post")  # first: patterns are tried in this order
router.register("consent", ConsentViewSet, basename="consent")
router.register("notifications", NotificationViewSet, basename="notification")
router.register("tokens", TokenViewSet, basename="token")
router.register("webhooks", WebhookViewSet, basename="webhook")
router.register("checkpoints", CheckpointViewSet, basename="checkpoint")
router.register("styles", StyleViewSet, basename="style")
router.register("generations", GenerationViewSet, basename="generation")
router.register("images", ImageViewSet, basename="image")
router.register("uploads", UploadViewSet, basename="upload")
router.register("collections", CollectionViewSet, basename="collection")
router.register("comments", CommentViewSet, basename="comment")
router.register("reproductions", ReproductionViewSet, basename="reproduction")
router.register("tags", TagViewSet, basename="tag")
router.register("profiles", ProfileViewSet, basename="profile")
router.register("emergent-styles", EmergentStyleViewSet, basename="emergent-style")
router.register("search", SearchViewSet, basename="search")
router.register("follows", FollowViewSet, basename="follow")
router.register("blocks", BlockViewSet, basename="block")
router.register("mutes", MuteViewSet, basename="mute")
router.register("hidden-posts", HiddenPostViewSet, basename="hidden-post")
router.register("challenges", ChallengeViewSet, basename="challenge")
router.register("theme-ideas", ThemeIdeaViewSet, basename="theme-idea")
router.register("polls", PollViewSet, basename="poll")
router.register("reports", ReportViewSet, basename="report")
router.register("cases", CaseViewSet, basename="case")
router.register("decisions", DecisionViewSet, basename="decision")
router.register("questions", QuestionViewSet, basename="question")
router.register("asks", AskViewSet, basename="ask")
router.register("comparisons", ComparisonViewSet, basename="comparison")
router.register("rankings", RankingViewSet, basename="ranking")
router.register("markings", MarkingViewSet, basename="marking")
router.register("aspect-comparisons", AspectComparisonViewSet, basename="aspect-comparison")
router.register("releases", ReleaseViewSet, basename="release")
router.register("benchmarks", BenchmarkViewSet, basename="benchmark")

# Swagger UI draws with style attributes; scripts stay our own files.
docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(DocsView.as_view(url_name="api:schema"))

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    path("me/", MeView.as_view(), name="me"),
    path("recall/", RecallView.as_view(), name="recall"),
    path("prompt-tokens/", PromptTokensView.as_view(), name="prompt-tokens"),
    path("challenges/<day:day>/pair/", ChallengePairView.as_view(), name="challenge-pair"),
    path("prompt-expansion/", PromptExpansionView.as_view(), name="prompt-expansion"),
    path("", include(router.urls)),
]
