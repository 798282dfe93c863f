from django.urls import path, re_path

from generation import views
from generation.media import views as media_views
from generation.prompts import views as prompt_views
from generation.queue import views as queue_views
from generation.recall import views as recall_views
from lib.http import converters  # noqa: F401  # registers public_id, number, …

app_name = "generation"
urlpatterns = [
    path("create/", views.create, name="create"),
    path("create/recall/", recall_views.recall, name="recall"),
    path("create/tokens/", prompt_views.count_tokens, name="prompt-tokens"),
    path("mine/", views.history_page, name="history"),
    path("mine/<public_id:public_id>/", views.detail, name="detail"),
    path("mine/<public_id:public_id>/events/", queue_views.follow, name="events"),
    path("mine/<public_id:public_id>/cancel/", views.act_on_generation, {"action": "cancel"}, name="cancel"),
    path("create/board/", views.board, name="board"),
    path("create/board/add/", views.add_to_board, name="board-add"),
    path("create/cost/", views.cost, name="cost"),
    re_path(r"^mine/(?P<public_id>[\w-]{12})/(?P<action>pause|resume|clone)/$", views.act_on_generation, name="act"),
    re_path(
        r"^images/(?P<public_id>[\w-]{12})/(?P<action>cancel|pause|resume|first)/$",
        views.act_on_image,
        name="image-act",
    ),
    path("uploads/<public_id:public_id>/", views.upload, name="upload"),
    re_path(r"^images/(?P<public_id>[\w-]{12})/make/(?P<action>vary|finish)/$", views.make_from, name="make-from"),
    path("images/<public_id:public_id>/retry/", views.retry, name="image-retry"),
    path("images/<public_id:public_id>/delete/", views.delete, name="image-delete"),
    re_path(
        r"^images/(?P<public_id>[\w-]{12})/(?P<content>[0-9a-f]{16})-(?P<width>\d{1,5})\.(?P<form>webp|avif|png|jpg)$",
        media_views.rendition,
        name="rendition",
    ),
]
