-- AlterTable
ALTER TABLE "datasets" ADD COLUMN     "profile" JSONB;

-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "baselines" JSONB;
