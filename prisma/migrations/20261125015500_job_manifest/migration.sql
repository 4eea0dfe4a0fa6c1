-- AlterTable
ALTER TABLE "jobs" ADD COLUMN     "manifest" JSONB;

