"""Own machines that begin with the disk of a kept seat's machine."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261126_own_machines"
down_revision = "20261126_department_labs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_machines",
        sa.Column("vm_request_id", sa.Uuid(), nullable=False),
        sa.Column("keeping_id", sa.Uuid(), nullable=False),
        sa.Column("seat_machine_id", sa.Uuid(), nullable=False),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["vm_request_id"], ["vm_requests.id"], name=op.f("fk_own_machines_vm_request_id")),
        sa.ForeignKeyConstraint(["keeping_id"], ["keepings.id"], name=op.f("fk_own_machines_keeping_id")),
        sa.ForeignKeyConstraint(
            ["seat_machine_id"], ["seat_machines.id"], name=op.f("fk_own_machines_seat_machine_id")
        ),
        sa.PrimaryKeyConstraint("vm_request_id", name=op.f("pk_own_machines")),
    )
    op.create_index(op.f("ix_own_machines_keeping_id"), "own_machines", ["keeping_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_own_machines_keeping_id"), table_name="own_machines")
    op.drop_table("own_machines")
