-- Facilities: where goods are made and kept, until the law lets them become businesses (0012_conversion.sql).

CREATE TABLE public.facilities (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  owner_id text NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 200),
  company_id text CHECK (char_length(company_id) BETWEEN 1 AND 200),
  type text NOT NULL CHECK (type IN ('Lab', 'Farm', 'Warehouse')),
  state tenon.state_code NOT NULL,
  city text NOT NULL CHECK (char_length(city) BETWEEN 1 AND 120),
  capacity bigint NOT NULL CHECK (capacity BETWEEN 1 AND 1000000000000),
  quality numeric(5, 2) NOT NULL DEFAULT 50 CHECK (quality BETWEEN 0 AND 100),
  suspicion_level numeric(5, 2) NOT NULL DEFAULT 0 CHECK (suspicion_level BETWEEN 0 AND 100),
  status text NOT NULL DEFAULT 'Active' CHECK (status IN ('Active', 'Raided', 'Abandoned', 'Seized', 'Converted')),
  inventory jsonb NOT NULL DEFAULT '[]' CHECK (tenon.is_holdings(inventory)),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prior_updated_at timestamptz,
  CONSTRAINT converted_means_emptied CHECK (status <> 'Converted' OR inventory = '[]')
);
CREATE INDEX facilities_owner ON public.facilities (owner_id, id);
REVOKE ALL ON public.facilities FROM PUBLIC;
GRANT SELECT ON public.facilities TO tenon_edge;

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.facilities FOR EACH ROW
  WHEN (NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_old_version();

CREATE FUNCTION tenon.facility_body(f public.facilities) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || f.id || '","ownerId":' || to_json(f.owner_id) || ',"companyId":' || tenon.json_text(f.company_id)
         || ',"type":"' || f.type || '","location":' || tenon.location_body(f.state, f.city) || ',"capacity":' || f.capacity
         || ',"quality":' || trim_scale(f.quality) || ',"suspicionLevel":' || trim_scale(f.suspicion_level)
         || ',"status":"' || f.status || '","inventory":' || f.inventory || ',"version":' || f.version
         || ',"createdAt":"' || tenon.iso(f.created_at) || '","updatedAt":"' || tenon.iso(f.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.facility_body TO tenon_edge;

-- {"companyId"?, "type", "location": {"state", "city"}, "capacity", "quality"?, "suspicionLevel"?, "status"?, "inventory"?}:
-- the owner is the caller.
CREATE FUNCTION tenon.create_facility(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  new facilities;
  body text;
BEGIN
  INSERT INTO facilities (owner_id, company_id, type, state, city, capacity, quality, suspicion_level, status, inventory)
  VALUES (command.user_id, arguments ->> 'companyId', arguments ->> 'type', arguments #>> '{location,state}',
          arguments #>> '{location,city}', (arguments ->> 'capacity')::bigint,
          coalesce((arguments ->> 'quality')::numeric, 50), coalesce((arguments ->> 'suspicionLevel')::numeric, 0),
          coalesce(arguments ->> 'status', 'Active'), coalesce(arguments -> 'inventory', '[]'))
  RETURNING * INTO new;
  body := tenon.facility_body(new);
  RETURN ROW(201, NULL, body, new.version, new.updated_at, NULL,
             tenon.audit(command, 'CREATE_FACILITY', 'facility', new.id, NULL, body))::tenon.outcome;
END
$$;
SELECT tenon.register_operation('create_facility', 'tenon.create_facility');
