from django.urls import re_path

from generation import serving

app_name = "generation"
urlpatterns = [
    re_path(
        r"^images/(?P<public_id>[\w-]{12})/(?P<content>[0-9a-f]{16})-(?P<width>\d{1,5})\.(?P<form>webp|avif|png)$",
        serving.rendition,
        name="rendition",
    ),
]
