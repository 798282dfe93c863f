from django.urls import path, register_converter

from feed.converters import UsernameConverter
from feed.views import challenges, lists, notifications, posts, profiles

register_converter(UsernameConverter, "username")

app_name = "feed"
urlpatterns = [
    path("", lists.feed_list, name="list"),
    path("new-above/", lists.new_above, name="new-above"),
    path("about/ranking/", lists.about_ranking, name="about-ranking"),
    path("p/<str:public_id>/", posts.post_detail, name="post-detail"),
    path("p/<str:public_id>/like/", posts.like, name="like"),
    path("p/<str:public_id>/unlike/", posts.unlike, name="unlike"),
    path("p/<str:public_id>/unpublish/", posts.unpublish, name="unpublish"),
    path("p/<str:public_id>/delete/", posts.delete, name="delete"),
    path("publish/<str:public_id>/", posts.publish, name="publish"),
    path("@<username:username>/", profiles.profile, name="profile"),
    path("profile/", profiles.edit_profile, name="profile-edit"),
    path("challenge/", challenges.challenge_today, name="challenge-today"),
    path("challenge/<str:day>/", challenges.challenge_detail, name="challenge-detail"),
    path("challenge/<str:day>/enter/", challenges.enter, name="challenge-enter"),
    path("notifications/", notifications.notifications, name="notifications"),
    path("notifications/read/", notifications.mark_read, name="notifications-read"),
]
