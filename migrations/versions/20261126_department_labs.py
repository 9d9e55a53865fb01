"""Labs of departments: whose they are, their drafts, what was published, and who subscribed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_department_labs"
down_revision = "20261126_bookings"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "department_labs",
        sa.Column("lab_slug", sa.String(length=60), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("origin_slug", sa.String(length=60), nullable=False),
        sa.Column("origin_version", sa.Integer(), nullable=False),
        sa.Column("title", DOCUMENT, nullable=False),
        sa.Column("offered_to", DOCUMENT, nullable=False),
        sa.Column("offered_to_all", sa.Boolean(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["lab_slug"], ["labs.slug"], name=op.f("fk_department_labs_lab_slug")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_department_labs_department_id")),
        sa.PrimaryKeyConstraint("lab_slug", name=op.f("pk_department_labs")),
    )
    op.create_index(op.f("ix_department_labs_department_id"), "department_labs", ["department_id"])

    op.create_table(
        "lab_drafts",
        sa.Column("lab_slug", sa.String(length=60), nullable=False),
        sa.Column("files", DOCUMENT, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=200), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lab_slug"], ["department_labs.lab_slug"], name=op.f("fk_lab_drafts_lab_slug")),
        sa.PrimaryKeyConstraint("lab_slug", name=op.f("pk_lab_drafts")),
    )

    op.create_table(
        "lab_releases",
        sa.Column("lab_version_id", sa.Uuid(), nullable=False),
        sa.Column("files", DOCUMENT, nullable=False),
        sa.Column("news", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["lab_version_id"], ["lab_versions.id"], name=op.f("fk_lab_releases_lab_version_id")),
        sa.PrimaryKeyConstraint("lab_version_id", name=op.f("pk_lab_releases")),
    )

    op.create_table(
        "lab_subscriptions",
        sa.Column("lab_slug", sa.String(length=60), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("lab_version_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["lab_slug"], ["department_labs.lab_slug"], name=op.f("fk_lab_subscriptions_lab_slug")),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_lab_subscriptions_department_id")),
        sa.ForeignKeyConstraint(
            ["lab_version_id"], ["lab_versions.id"], name=op.f("fk_lab_subscriptions_lab_version_id")
        ),
        sa.PrimaryKeyConstraint("lab_slug", "department_id", name=op.f("pk_lab_subscriptions")),
    )
    op.create_index(op.f("ix_lab_subscriptions_department_id"), "lab_subscriptions", ["department_id"])


def downgrade() -> None:
    op.drop_table("lab_subscriptions")
    op.drop_table("lab_releases")
    op.drop_table("lab_drafts")
    op.drop_table("department_labs")
