-- Weights hardly compress, and Parquet is compressed: the attempt took half of the time of writing, and reading a part of a
-- compressed chunk has to read all of it. What is there already stays as it is.
ALTER TABLE "blob_chunks" ALTER COLUMN "data" SET STORAGE EXTERNAL;
