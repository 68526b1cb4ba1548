-- What the resources that belong to somebody have in common.

-- May the caller change what `owner` owns? The owner may, and an admin.
CREATE FUNCTION tenon.owns(command tenon.command, owner text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT command.user_id = owner OR command.role = 'admin'
$$;

CREATE FUNCTION tenon.not_owner(detail text) RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenon.refused(403, 'not_owner', detail)
$$;

-- The target of a write that must be at a known version is not there: the same answer as for a stale one, without a version.
CREATE FUNCTION tenon.stale_or_gone(detail text) RETURNS tenon.outcome
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenon.refused(409, 'conflict', detail)
$$;

CREATE FUNCTION tenon.json_text(value text) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT coalesce(to_json(value)::text, 'null')
$$;
GRANT EXECUTE ON FUNCTION tenon.json_text TO tenon_edge;
