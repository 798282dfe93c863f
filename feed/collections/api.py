"""Collections for programs."""

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.permissions import member_of
from accounts.tokens.scopes import Scope
from feed.collections import services as collections_services
from feed.collections.models import Collection, CollectionMember
from feed.collections.queries import read_posts
from feed.collections.serializers import (
    CollectionSerializer,
    EditCollectionSerializer,
    MayAddSerializer,
)
from feed.lists.api import CURSOR, PostPageSerializer, post_page
from feed.lists.pages import PAGE_SIZE
from feed.members.queries import visible_members
from feed.posts.models import Post
from lib.api import checked
from lib.http.converters import PUBLIC_ID, USERNAME
from lib.pagination import KeysetPagination

ID = OpenApiParameter("id", str, OpenApiParameter.PATH)
KEY = OpenApiParameter("key", str, description="What a shared link carries")
OWNER = OpenApiParameter("owner", str, description="A username: what they show to everybody. Without it, one's own")
POST = OpenApiParameter("post", str, OpenApiParameter.PATH, description="Id of the post")
NAME = OpenApiParameter("username", str, OpenApiParameter.PATH)


class CollectionPagination(KeysetPagination):
    ordering = "created_at"
    page_size = PAGE_SIZE


class CollectionViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Collection]):
    """Posts that members put together: private, shared by link or by name, or public."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    token_scope = Scope.WRITE
    queryset = Collection.objects.none()  # for the schema
    serializer_class = CollectionSerializer
    pagination_class = CollectionPagination
    lookup_value_regex = PUBLIC_ID

    @extend_schema(parameters=[OWNER])
    def list(self, request: Request) -> Response:
        """One's own and what is shared with one by name; with `owner`, what somebody shows to everybody."""
        return super().list(request)

    def get_queryset(self) -> QuerySet[Collection]:
        at, viewer, name = timezone.now(), self.request.user, self.request.query_params.get("owner", "")
        if name:
            owner = get_object_or_404(visible_members(viewer, at), username__iexact=name)
            return Collection.objects.published(at).filter(owner=owner).select_related("owner")
        if not isinstance(viewer, User):
            return Collection.objects.none()
        collections_services.default_collection(member=viewer, at=at)
        shared = CollectionMember.objects.filter(member=viewer).values("collection")
        reachable = Collection.objects.visible_to(viewer, at).select_related("owner")
        return reachable.filter(Q(owner=viewer) | Q(pk__in=shared))

    @extend_schema(parameters=[ID, KEY], responses=CollectionSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(CollectionSerializer(self._visible(request, pk)).data)

    @extend_schema(request=EditCollectionSerializer, responses={201: CollectionSerializer})
    def create(self, request: Request) -> Response:
        member, data = member_of(request), checked(EditCollectionSerializer, request)
        return Response(
            CollectionSerializer(collections_services.create_collection(owner=member, **data)).data, status=201
        )

    @extend_schema(parameters=[ID], request=EditCollectionSerializer, responses=CollectionSerializer)
    def update(self, request: Request, pk: str) -> Response:
        member, data = member_of(request), checked(EditCollectionSerializer, request)
        found = self._own(member, pk)
        return Response(
            CollectionSerializer(collections_services.edit_collection(collection=found, owner=member, **data)).data
        )

    @extend_schema(parameters=[ID], responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        member = member_of(request)
        collections_services.delete_collection(collection=self._own(member, pk), owner=member)
        return Response(status=204)

    @extend_schema(parameters=[ID, KEY, CURSOR], responses=PostPageSerializer)
    @action(detail=True)
    def posts(self, request: Request, pk: str) -> Response:
        """What is in it, as far as the viewer may see; what was added last comes first."""
        at, viewer, found = timezone.now(), request.user, self._visible(request, pk)
        cursor = request.query_params.get("cursor", "")
        page = read_posts(found, viewer, at=at, cursor=cursor, size=PAGE_SIZE)
        return Response(post_page(request, [item.post for item in page.rows], page.next))

    @extend_schema(parameters=[ID, POST], request=None, responses={204: None})
    @action(detail=True, methods=["put", "delete"], url_path=f"posts/(?P<post>{PUBLIC_ID})", url_name="post")
    def item(self, request: Request, pk: str, post: str) -> Response:
        """PUT puts a post in, DELETE takes it out; each may be repeated."""
        at, member = timezone.now(), member_of(request)
        found = get_object_or_404(Collection.objects.visible_to(member, at), public_id=pk)
        if request.method == "PUT":
            shown = get_object_or_404(Post.objects.visible_to(member, at), public_id=post)
            collections_services.save_post(post=shown, member=member, collection=found, at=at)
        elif (inside := Post.objects.filter(collection_items__collection=found, public_id=post).first()) is not None:
            collections_services.unsave_post(post=inside, member=member, collection=found)
        return Response(status=204)

    @extend_schema(parameters=[ID, NAME], request=MayAddSerializer, responses={204: None})
    @action(detail=True, methods=["put", "delete"], url_path=f"members/(?P<username>{USERNAME})")
    def member(self, request: Request, pk: str, username: str) -> Response:
        """PUT gives a member access, DELETE stops that."""
        owner = member_of(request)
        found = self._own(owner, pk)
        if request.method == "PUT":
            may_add = checked(MayAddSerializer, request)["may_add"]
            collections_services.share_collection(collection=found, owner=owner, username=username, may_add=may_add)
        else:
            member = get_object_or_404(User, username__iexact=username)
            collections_services.unshare_collection(collection=found, member=member, by=owner)
        return Response(status=204)

    def _own(self, member: User, public_id: str) -> Collection:
        return get_object_or_404(Collection, public_id=public_id, owner=member)

    def _visible(self, request: Request, public_id: str) -> Collection:
        key = request.query_params.get("key", "")
        shown = Collection.objects.visible_to(request.user, timezone.now(), key).select_related("owner")
        return get_object_or_404(shown, public_id=public_id)
