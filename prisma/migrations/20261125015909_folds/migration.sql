-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "folds" JSONB;
