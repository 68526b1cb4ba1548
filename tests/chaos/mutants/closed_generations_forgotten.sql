-- Sales look for a key only where keys are stored now, not in the partitions before it. With three turns in quick succession,
-- which would else take ten minutes: that alone is harmless.
CREATE OR REPLACE FUNCTION tenon.stored_in(slots smallint[], claims uuid[]) RETURNS boolean
LANGUAGE sql STABLE AS $$ SELECT false $$;

CREATE OR REPLACE FUNCTION tenon.turn_key_generation() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
  generation CONSTANT tenon.key_generation := (SELECT g FROM tenon.key_generation AS g);
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('tenon.turn_key_generation')) OR generation.slot = 3
     OR clock_timestamp() < generation.opened_at + interval '4 seconds' THEN
    RETURN NULL;
  END IF;
  LOCK TABLE tenon.key_generation IN EXCLUSIVE MODE;
  UPDATE tenon.key_generation
  SET slot = generation.slot + 1, opened_at = clock_timestamp(), closed = closed || generation.slot,
      free_at[generation.slot + 1] = clock_timestamp() + lifetime_max + interval '1 second';
  RETURN 'turned';
EXCEPTION WHEN lock_not_available THEN
  RETURN NULL;
END
$$;
