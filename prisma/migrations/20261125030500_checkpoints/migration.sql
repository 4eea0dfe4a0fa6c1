-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "progress_engine" TEXT;

-- CreateTable
CREATE TABLE "checkpoints" (
    "job_id" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "progress" JSONB NOT NULL,
    "sha256" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "checkpoints_pkey" PRIMARY KEY ("job_id","step")
);

-- CreateTable
CREATE TABLE "checkpoint_chunks" (
    "job_id" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "checkpoint_chunks_pkey" PRIMARY KEY ("job_id","sha256","position")
);

-- AddForeignKey
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkpoint_chunks" ADD CONSTRAINT "checkpoint_chunks_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "jobs"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Random bytes: compression would cost time and gain nothing.
ALTER TABLE "checkpoint_chunks" ALTER COLUMN "data" SET STORAGE EXTERNAL;

-- Whoever ends a job, worker, scheduler or API: nobody resumes it. (\x3b for semicolons: see the first migration.)
CREATE FUNCTION "drop_checkpoints_of_ended_job"() RETURNS trigger LANGUAGE plpgsql AS E'BEGIN
  DELETE FROM checkpoints WHERE job_id = NEW.id\x3b
  DELETE FROM checkpoint_chunks WHERE job_id = NEW.id\x3b
  RETURN NULL\x3b
END';

CREATE TRIGGER "jobs_end_drops_checkpoints" AFTER UPDATE OF status ON "jobs" FOR EACH ROW
  WHEN (NEW.status IN ('succeeded', 'failed', 'cancelled'))
  EXECUTE FUNCTION "drop_checkpoints_of_ended_job"();
