"""Resets to a step, and seats that students keep after their class."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_keepings"
down_revision = "20261125_people"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.add_column(sa.Column("begin_at_step", sa.String(length=60), nullable=False, server_default=""))
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.alter_column("begin_at_step", existing_type=sa.String(length=60), server_default=None)
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.add_column(sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.alter_column("again", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("step_results", schema=None) as batch_op:
        batch_op.drop_column("again")
    with op.batch_alter_table("seats", schema=None) as batch_op:
        batch_op.drop_column("begin_at_step")
