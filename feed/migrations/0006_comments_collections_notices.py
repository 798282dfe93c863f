"""Comments, collections, what members want to be told, reproductions."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.ids
import feed.models.collections


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_consent_is_append_only"),
        ("feed", "0005_lists_worked_out_beforehand"),
        ("generation", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=accounts.ids.new_public_id, editable=False, max_length=12, unique=True),
                ),
                ("name", models.CharField(max_length=80)),
                (
                    "visibility",
                    models.CharField(
                        choices=[
                            ("private", "Only you"),
                            ("shared", "Whom you share it with"),
                            ("public", "Everybody"),
                        ],
                        default="private",
                        max_length=7,
                    ),
                ),
                ("link_key", models.CharField(default=feed.models.collections.new_link_key, max_length=22)),
                ("is_default", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "collection",
            },
        ),
        migrations.CreateModel(
            name="CollectionItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="CollectionMember",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("may_add", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(default=accounts.ids.new_public_id, editable=False, max_length=12, unique=True),
                ),
                ("depth", models.PositiveSmallIntegerField(default=0)),
                ("text", models.TextField(blank=True, max_length=2000)),
                ("created_at", models.DateTimeField()),
                ("edited_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "comment",
            },
        ),
        migrations.CreateModel(
            name="NoticeChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=32)),
                ("on_site", models.BooleanField(default=True)),
                ("by_mail", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="NoticeSettings",
            fields=[
                (
                    "member",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="notice_settings",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        choices=[("never", "Never"), ("daily", "Once a day"), ("weekly", "Once a week")],
                        default="never",
                        max_length=6,
                    ),
                ),
                ("digest_at", models.DateTimeField(null=True)),
                ("digest_upto", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Reproduction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="tag",
            name="uses",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("alias_of", models.F("pk")), _negated=True), name="tag_is_not_its_own_alias"
            ),
        ),
        migrations.AddField(
            model_name="collection",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="collections", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="collectionitem",
            name="added_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="saves", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="collectionitem",
            name="collection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="items", to="feed.collection"
            ),
        ),
        migrations.AddField(
            model_name="collectionitem",
            name="post",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="collection_items", to="feed.post"
            ),
        ),
        migrations.AddField(
            model_name="collectionmember",
            name="collection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="members", to="feed.collection"
            ),
        ),
        migrations.AddField(
            model_name="collectionmember",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="shared_collections",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="author",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="comments", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="parent",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="answers", to="feed.comment"
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="post",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="feed.post"
            ),
        ),
        migrations.AddField(
            model_name="comment",
            name="thread",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="replies", to="feed.comment"
            ),
        ),
        migrations.AddField(
            model_name="noticechoice",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="notice_choices", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="noticesettings",
            index=models.Index(
                condition=models.Q(("digest_at__isnull", False)),
                fields=["digest", "digest_at"],
                name="noticesettings_due",
            ),
        ),
        migrations.AddField(
            model_name="reproduction",
            name="generation",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="reproduction", to="generation.generation"
            ),
        ),
        migrations.AddField(
            model_name="reproduction",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="reproductions", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="reproduction",
            name="post",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="reproductions", to="feed.post"
            ),
        ),
        migrations.AddIndex(
            model_name="collection",
            index=models.Index(fields=["owner", "-created_at", "-id"], name="collection_of_owner"),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("owner",), name="collection_one_default"
            ),
        ),
        migrations.AddConstraint(
            model_name="collection",
            constraint=models.UniqueConstraint(fields=("owner", "name"), name="collection_name_once"),
        ),
        migrations.AddIndex(
            model_name="collectionitem",
            index=models.Index(fields=["collection", "-created_at", "-id"], name="collectionitem_page"),
        ),
        migrations.AddIndex(
            model_name="collectionitem",
            index=models.Index(fields=["post", "added_by"], name="collectionitem_saves"),
        ),
        migrations.AddConstraint(
            model_name="collectionitem",
            constraint=models.UniqueConstraint(fields=("collection", "post"), name="collectionitem_once"),
        ),
        migrations.AddConstraint(
            model_name="collectionmember",
            constraint=models.UniqueConstraint(fields=("collection", "member"), name="collectionmember_once"),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(
                condition=models.Q(("thread__isnull", True)),
                fields=["post", "-created_at", "-id"],
                name="comment_threads",
            ),
        ),
        migrations.AddIndex(
            model_name="comment",
            index=models.Index(fields=["thread", "created_at", "id"], name="comment_answers"),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deleted_at", None), models.Q(("text", ""), _negated=True)),
                    models.Q(("deleted_at__isnull", False), ("text", "")),
                    _connector="OR",
                ),
                name="comment_tombstone_is_blank",
            ),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("depth", 0), ("parent", None), ("thread", None)),
                    models.Q(("depth__range", (1, 3)), ("parent__isnull", False), ("thread__isnull", False)),
                    _connector="OR",
                ),
                name="comment_is_in_a_thread",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticechoice",
            constraint=models.UniqueConstraint(fields=("member", "kind"), name="noticechoice_once"),
        ),
        migrations.AddIndex(
            model_name="reproduction",
            index=models.Index(fields=["member", "post"], name="reproduction_of_member"),
        ),
    ]
