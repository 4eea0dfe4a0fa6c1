-- AlterTable
ALTER TABLE "jobs" DROP COLUMN "furthest_epoch",
ADD COLUMN     "furthest_batch" BIGINT NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "workers" ADD COLUMN     "draining" BOOLEAN NOT NULL DEFAULT false;
