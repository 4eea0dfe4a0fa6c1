-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "parent_job_id" TEXT,
ADD COLUMN     "origin" TEXT,
ADD COLUMN     "fork_step" INTEGER,
ADD COLUMN     "verification" JSONB;

-- CreateIndex
CREATE INDEX "jobs_parent_job_id_idx" ON "jobs"("parent_job_id");

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_parent_job_id_fkey" FOREIGN KEY ("parent_job_id") REFERENCES "jobs"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AlterTable
ALTER TABLE "checkpoints" ADD COLUMN     "id" TEXT,
ADD COLUMN     "architecture" JSONB,
ADD COLUMN     "preprocessing" JSONB;

-- Those of jobs under way. Hexadecimal digits are letters of an id.
UPDATE "checkpoints" SET "id" = 'ckpt_' || substr(md5("job_id" || ' ' || "step"), 1, 26);

ALTER TABLE "checkpoints" ALTER COLUMN "id" SET NOT NULL;

-- CreateIndex
CREATE UNIQUE INDEX "checkpoints_id_key" ON "checkpoints"("id");

-- An ended job keeps its checkpoints for what goes on from them.
DROP TRIGGER "jobs_end_drops_checkpoints" ON "jobs";

DROP FUNCTION "drop_checkpoints_of_ended_job"();
