from django.urls import path, register_converter

from feed.converters import UsernameConverter
from feed.views import challenges, comments, lists, notifications, people, posts, profiles, publishing, tags
from feed.views import search as searching

register_converter(UsernameConverter, "username")

app_name = "feed"
urlpatterns = [
    path("", lists.feed_list, name="list"),
    path("new-above/", lists.new_above, name="new-above"),
    path("search/", searching.search, name="search"),
    path("search/picture/", searching.search_by_picture, name="search-by-picture"),
    path("p/<str:public_id>/like-this/", searching.more_like_this, name="like-this"),
    path("impressions/", people.note_impressions, name="impressions"),
    path("settings/people/", people.preferences, name="preferences"),
    path("settings/people/unmute/<int:pk>/", people.unmute, name="unmute"),
    path("settings/people/forget-seen/", people.forget_seen, name="forget-seen"),
    path("p/<str:public_id>/not-interested/", people.not_interested, name="not-interested"),
    path("@<username:username>/follow/", people.follow, name="follow"),
    path("@<username:username>/unfollow/", people.unfollow, name="unfollow"),
    path("@<username:username>/block/", people.block, name="block"),
    path("@<username:username>/unblock/", people.unblock, name="unblock"),
    path("about/ranking/", lists.about_ranking, name="about-ranking"),
    path("p/<str:public_id>/", posts.post_detail, name="post-detail"),
    path("p/<str:public_id>/like/", posts.like, name="like"),
    path("p/<str:public_id>/unlike/", posts.unlike, name="unlike"),
    path("p/<str:public_id>/unpublish/", publishing.unpublish, name="unpublish"),
    path("p/<str:public_id>/delete/", publishing.delete, name="delete"),
    path("p/<str:public_id>/comments/", comments.post_comment, name="comment-post"),
    path("comments/<str:public_id>/", comments.show, name="comment"),
    path("comments/<str:public_id>/edit/", comments.edit, name="comment-edit"),
    path("comments/<str:public_id>/delete/", comments.delete, name="comment-delete"),
    path("tags/suggest/", tags.suggest, name="tag-suggest"),
    path("publish/<str:public_id>/", publishing.publish, name="publish"),
    path("@<username:username>/", profiles.profile, name="profile"),
    path("profile/", profiles.edit_profile, name="profile-edit"),
    path("challenge/", challenges.challenge_today, name="challenge-today"),
    path("challenge/<str:day>/", challenges.challenge_detail, name="challenge-detail"),
    path("challenge/<str:day>/enter/", challenges.enter, name="challenge-enter"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.mark_read, name="notifications-read"),
]
