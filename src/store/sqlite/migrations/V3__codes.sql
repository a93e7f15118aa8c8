-- The channels of a verification's plan, one bit each, for searches. Before, each was a button call.
ALTER TABLE verifications ADD COLUMN channels INTEGER NOT NULL DEFAULT 1;
