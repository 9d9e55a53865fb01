"""Resets to a step, and seats that students keep after their class."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261126_keepings"
down_revision = "20261126_lab_trials"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(JSONB(), "postgresql")
INDEXED = ("lab_session_id", "state", "seat_id")


def upgrade() -> None:
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.add_column(sa.Column("begin_at_step", sa.String(length=60), nullable=False, server_default=""))
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.alter_column("begin_at_step", existing_type=sa.String(length=60), server_default=None)
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.add_column(sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.alter_column("again", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "keepings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("lab_session_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum("asked", "granted", "declined", "kept", "over", name="keepingstate", native_enum=False, length=20),
            nullable=False,
        ),
        sa.Column("seat_id", sa.Uuid(), nullable=True),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("trouble_params", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(["lab_session_id"], ["lab_sessions.id"], name=op.f("fk_keepings_lab_session_id")),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], name=op.f("fk_keepings_student_id")),
        sa.ForeignKeyConstraint(["seat_id"], ["seats.id"], name=op.f("fk_keepings_seat_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keepings")),
        sa.UniqueConstraint("student_id", name=op.f("uq_keepings_student_id")),
    )
    for column in INDEXED:
        op.create_index(op.f(f"ix_keepings_{column}"), "keepings", [column], unique=False)


def downgrade() -> None:
    for column in INDEXED:
        op.drop_index(op.f(f"ix_keepings_{column}"), table_name="keepings")
    op.drop_table("keepings")
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.drop_column("again")
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.drop_column("begin_at_step")
