-- CreateTable
CREATE TABLE "ingests" (
    "id" TEXT NOT NULL,
    "project_id" TEXT NOT NULL,
    "name" TEXT,
    "phase" TEXT NOT NULL,
    "bytes_received" BIGINT NOT NULL,
    "bytes_total" BIGINT,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ingests_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "ingests_project_id_created_at_idx" ON "ingests"("project_id", "created_at");

-- AddForeignKey
ALTER TABLE "ingests" ADD CONSTRAINT "ingests_project_id_fkey" FOREIGN KEY ("project_id") REFERENCES "projects"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
