from django.urls import path

from feed.challenges import views as challenges_views
from feed.challenges.themes import views as themes_views
from feed.collections import views as collections_views
from feed.comments import views as comments_views
from feed.lists import galleries
from feed.lists import views as lists_views
from feed.lists.syndication import views as syndication_views
from feed.members import views as members_views
from feed.notifications import views as notifications_views
from feed.polls import views as polls_views
from feed.posts import views as posts_views
from feed.publishing import views as publishing_views
from feed.ranking import views as ranking_views
from feed.search import views as search_views
from feed.styles import views as styles_views
from feed.tags import views as tags_views
from lib.http import converters  # noqa: F401  # registers public_id, username, …

app_name = "feed"
urlpatterns = [
    path("", lists_views.feed_list, name="list"),
    path("new-above/", lists_views.new_above, name="new-above"),
    path("search/", search_views.search, name="search"),
    path("feeds/<word:form>/", syndication_views.feed, name="syndication"),
    path("oembed/", syndication_views.embed, name="oembed"),
    path("models/", galleries.models, name="models"),
    path("models/<slug:slug>/", galleries.model, name="model"),
    path("models/styles/<slug:slug>/", galleries.look, name="look"),
    path("search/suggest/", search_views.suggest, name="search-suggest"),
    path("styles/", styles_views.styles, name="styles"),
    path("styles/<public_id:public_id>/", styles_views.style, name="style"),
    path("styles/<public_id:public_id>/names/", styles_views.suggest_name, name="style-name"),
    path("styles/<public_id:public_id>/names/<public_id:name_id>/", styles_views.like_name, name="style-name-like"),
    path("search/picture/", search_views.search_by_picture, name="search-by-picture"),
    path("p/<public_id:public_id>/like-this/", search_views.more_like_this, name="like-this"),
    path("impressions/", ranking_views.note_impressions, name="impressions"),
    path("settings/people/", members_views.preferences, name="preferences"),
    path("settings/people/unmute/<number:pk>/", members_views.unmute, name="unmute"),
    path("settings/people/forget-seen/", ranking_views.forget_seen, name="forget-seen"),
    path("p/<public_id:public_id>/not-interested/", members_views.not_interested, name="not-interested"),
    path("@<username:username>/follow/", members_views.follow, name="follow"),
    path("@<username:username>/unfollow/", members_views.unfollow, name="unfollow"),
    path("@<username:username>/block/", members_views.block, name="block"),
    path("@<username:username>/unblock/", members_views.unblock, name="unblock"),
    path("about/ranking/", lists_views.about_ranking, name="about-ranking"),
    path("p/<public_id:public_id>/", posts_views.post_detail, name="post-detail"),
    path("p/<public_id:public_id>/like/", posts_views.like, name="like"),
    path("p/<public_id:public_id>/unlike/", posts_views.unlike, name="unlike"),
    path("p/<public_id:public_id>/unpublish/", posts_views.unpublish, name="unpublish"),
    path("p/<public_id:public_id>/pin/", posts_views.pin, name="pin"),
    path("p/<public_id:public_id>/delete/", posts_views.delete, name="delete"),
    path("p/<public_id:public_id>/comments/", comments_views.post_comment, name="comment-post"),
    path("p/<public_id:public_id>/save/", collections_views.save, name="save"),
    path("p/<public_id:public_id>/unsave/", collections_views.unsave, name="unsave"),
    path("p/<public_id:public_id>/collect/", collections_views.collect, name="collect"),
    path("p/<public_id:public_id>/reproduce/", posts_views.reproduce, name="reproduce"),
    path("collections/", collections_views.own_collections, name="collections"),
    path("collections/new/", collections_views.new_collection, name="collection-new"),
    path("collections/<public_id:public_id>/", collections_views.collection, name="collection"),
    path("collections/<public_id:public_id>/edit/", collections_views.edit_collection, name="collection-edit"),
    path("collections/<public_id:public_id>/delete/", collections_views.delete_collection, name="collection-delete"),
    path("collections/<public_id:public_id>/share/", collections_views.share, name="collection-share"),
    path(
        "collections/<public_id:public_id>/unshare/<username:username>/",
        collections_views.unshare,
        name="collection-unshare",
    ),
    path("collections/<public_id:public_id>/renew-link/", collections_views.renew_link, name="collection-renew"),
    path("@<username:username>/collections/", collections_views.collections_of, name="collections-of"),
    path("comments/<public_id:public_id>/", comments_views.show, name="comment"),
    path("comments/<public_id:public_id>/edit/", comments_views.edit, name="comment-edit"),
    path("comments/<public_id:public_id>/delete/", comments_views.delete, name="comment-delete"),
    path("tags/suggest/", tags_views.suggest, name="tag-suggest"),
    path("publish/<public_id:public_id>/", publishing_views.publish, name="publish"),
    path("mine/act/", publishing_views.act_on_pictures, name="act-on-pictures"),
    path("@<username:username>/", members_views.profile, name="profile"),
    path("@<username:username>/card/", members_views.member_card, name="member-card"),
    path("@<username:username>/following/", members_views.follows, {"side": "followed"}, name="following"),
    path("@<username:username>/followers/", members_views.follows, {"side": "member"}, name="followers"),
    path("profile/published/", posts_views.published, name="published"),
    path("profile/", members_views.edit_profile, name="profile-edit"),
    path("challenge/", challenges_views.challenge_today, name="challenge-today"),
    path("challenge/<day:day>/", challenges_views.challenge_detail, name="challenge-detail"),
    path("challenge/<day:day>/enter/", challenges_views.enter, name="challenge-enter"),
    path("challenge/<day:day>/withdraw/", challenges_views.withdraw, name="challenge-withdraw"),
    path("challenge/<day:day>/stage/", challenges_views.challenge_stage, name="challenge-stage"),
    path("challenge/<day:day>/card.png", challenges_views.share_card, name="challenge-card"),
    path("challenge/past/", challenges_views.past, name="challenge-past"),
    path("challenge/leaders/", challenges_views.leaderboard, name="challenge-leaders"),
    path("challenge/winners/<word:form>/", challenges_views.winners_feed, name="challenge-winners"),
    path("challenge/ideas/", themes_views.ideas, name="challenge-ideas"),
    path("challenge/ideas/<public_id:public_id>/vote/", themes_views.vote, name="challenge-idea-vote"),
    path("challenge/ideas/<public_id:public_id>/decide/", themes_views.decide, name="challenge-idea-decide"),
    path("challenge/calendar/", themes_views.calendar, name="challenge-calendar"),
    path("challenge/calendar/swap/", themes_views.swap, name="challenge-swap"),
    path("polls/", polls_views.poll_list, name="polls"),
    path("polls/new/", polls_views.new_poll, name="poll-new"),
    path("polls/<public_id:public_id>/", polls_views.poll_detail, name="poll"),
    path("polls/<public_id:public_id>/vote/", polls_views.vote, name="poll-vote"),
    path("notifications/", notifications_views.notifications, name="notifications"),
    path("notifications/unsubscribe/", notifications_views.unsubscribe, name="unsubscribe"),
    path("settings/notifications/", notifications_views.notification_settings, name="notice-settings"),
    path("notifications/read/", notifications_views.mark_read, name="notifications-read"),
]
