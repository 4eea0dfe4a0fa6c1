-- AlterTable
ALTER TABLE "models" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "event_seq" INTEGER NOT NULL DEFAULT 0;

-- AlterTable
ALTER TABLE "model_versions" ADD COLUMN     "deleted_at" TIMESTAMPTZ(3),
ADD COLUMN     "example" JSONB,
ADD COLUMN     "lineage" JSONB,
ADD COLUMN     "members" JSONB,
ADD COLUMN     "signature" JSONB,
ALTER COLUMN "architecture" DROP NOT NULL;

-- CreateTable
CREATE TABLE "model_aliases" (
    "model_id" TEXT NOT NULL,
    "alias" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_aliases_pkey" PRIMARY KEY ("model_id","alias")
);

-- CreateTable
CREATE TABLE "model_events" (
    "id" TEXT NOT NULL,
    "model_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "model_events_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "model_aliases_model_id_version_idx" ON "model_aliases"("model_id", "version");

-- CreateIndex
CREATE UNIQUE INDEX "model_events_model_id_seq_key" ON "model_events"("model_id", "seq");

-- AddForeignKey
ALTER TABLE "model_aliases" ADD CONSTRAINT "model_aliases_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "models"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_aliases" ADD CONSTRAINT "model_aliases_model_id_version_fkey" FOREIGN KEY ("model_id", "version") REFERENCES "model_versions"("model_id", "version") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_events" ADD CONSTRAINT "model_events_model_id_fkey" FOREIGN KEY ("model_id") REFERENCES "models"("id") ON DELETE CASCADE ON UPDATE CASCADE;
