from django.urls import path, re_path

from ratings.views import ask, compare, research

app_name = "ratings"
urlpatterns = [
    path("asks/for/<str:public_id>/", ask.ask, name="ask"),
    path("asks/<str:public_id>/answer/", ask.answer, name="ask-answer"),
    path("asks/<str:public_id>/report/", ask.report, name="ask-report"),
    path("compare/", compare.compare, name="compare"),
    path("compare/<str:public_id>/", compare.reveal, name="compare-reveal"),
    path("compare/<str:public_id>/answer/", compare.answer, name="compare-answer"),
    re_path(r"^compare/(?P<public_id>[\w-]{12})/(?P<side>left|right)\.webp$", compare.picture, name="compare-picture"),
    path("research/", research.overview, name="research"),
]
