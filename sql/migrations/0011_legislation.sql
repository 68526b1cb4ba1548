-- What the law says about a substance in a state.

CREATE TABLE public.legislation (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  substance text NOT NULL CHECK (char_length(substance) BETWEEN 1 AND 100),
  jurisdiction text NOT NULL DEFAULT 'State' CHECK (jurisdiction = 'State'),
  jurisdiction_id tenon.state_code NOT NULL,
  status text NOT NULL CHECK (status IN ('Illegal', 'Decriminalized', 'Medical', 'Recreational')),
  tax_rate numeric(5, 2) NOT NULL CHECK (tax_rate BETWEEN 0 AND 100),
  effective_date date NOT NULL,
  sunset_date date,
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  prior_updated_at timestamptz,
  CONSTRAINT one_law_per_place UNIQUE (substance, jurisdiction_id),
  CONSTRAINT sunset_after_effect CHECK (sunset_date >= effective_date)
);
REVOKE ALL ON public.legislation FROM PUBLIC;
GRANT SELECT ON public.legislation TO tenon_edge;

CREATE TRIGGER versions_only_grow BEFORE UPDATE ON public.legislation FOR EACH ROW
  WHEN (NEW.version <= OLD.version OR NEW.updated_at <= OLD.updated_at OR NEW.id <> OLD.id)
  EXECUTE FUNCTION tenon.refuse_old_version();

-- May a facility become a business under this law, on this day? Its last day is still one.
CREATE FUNCTION tenon.is_convertible(law public.legislation, today date) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
  SELECT law.status IN ('Medical', 'Recreational') AND law.effective_date <= today
         AND coalesce(today <= law.sunset_date, true)
$$;

CREATE FUNCTION tenon.legislation_body(law public.legislation) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"substance":' || to_json(law.substance) || ',"jurisdiction":"' || law.jurisdiction
         || '","jurisdictionId":"' || law.jurisdiction_id || '","status":"' || law.status
         || '","taxRate":' || trim_scale(law.tax_rate) || ',"effectiveDate":"' || law.effective_date
         || '","sunsetDate":' || tenon.json_text(law.sunset_date::text) || ',"version":' || law.version
         || ',"updatedAt":"' || tenon.iso(law.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.legislation_body TO tenon_edge;

-- Cannabis: Recreational in California, Medical in Florida, Illegal elsewhere.
INSERT INTO public.legislation (substance, jurisdiction_id, status, tax_rate, effective_date)
SELECT 'Cannabis', state, 'Illegal', 0, DATE '1970-10-27'
FROM unnest(ARRAY[
  'AL', 'AK', 'AZ', 'AR', 'CO', 'CT', 'DE', 'DC', 'GA', 'HI', 'ID', 'IL', 'IN', 'IA', 'KS', 'KY', 'LA', 'ME', 'MD', 'MA', 'MI',
  'MN', 'MS', 'MO', 'MT', 'NE', 'NV', 'NH', 'NJ', 'NM', 'NY', 'NC', 'ND', 'OH', 'OK', 'OR', 'PA', 'RI', 'SC', 'SD', 'TN', 'TX',
  'UT', 'VT', 'VA', 'WA', 'WV', 'WI', 'WY']) AS state;
INSERT INTO public.legislation (substance, jurisdiction_id, status, tax_rate, effective_date)
VALUES ('Cannabis', 'CA', 'Recreational', 15, '2018-01-01'), ('Cannabis', 'FL', 'Medical', 6, '2017-01-03');

-- {"substance", "jurisdictionId", "status", "taxRate", "effectiveDate", "sunsetDate"?, "precondition"?}: the law of that place
-- from now on, whether there was one before or not.
CREATE FUNCTION tenon.put_legislation(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old legislation;
  new legislation;
BEGIN
  SELECT * INTO old FROM legislation
  WHERE substance = arguments ->> 'substance' AND jurisdiction_id = arguments ->> 'jurisdictionId' FOR UPDATE;
  IF NOT FOUND THEN
    IF arguments ? 'precondition' THEN
      RETURN tenon.stale_or_gone('There is no such law yet.');
    END IF;
    INSERT INTO legislation (substance, jurisdiction_id, status, tax_rate, effective_date, sunset_date)
    VALUES (arguments ->> 'substance', arguments ->> 'jurisdictionId', arguments ->> 'status',
            (arguments ->> 'taxRate')::numeric, (arguments ->> 'effectiveDate')::date, (arguments ->> 'sunsetDate')::date)
    ON CONFLICT ON CONSTRAINT one_law_per_place DO NOTHING
    RETURNING * INTO new;
    IF NOT FOUND THEN  -- somebody was first, a moment ago
      RETURN tenon.put_legislation(command, arguments);
    END IF;
    RETURN ROW(201, NULL, tenon.legislation_body(new), new.version, new.updated_at, NULL,
               tenon.audit(command, 'CREATE_LEGISLATION', 'legislation', new.id, NULL, tenon.legislation_body(new)))::tenon.outcome;
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  UPDATE legislation SET
    status = arguments ->> 'status', tax_rate = (arguments ->> 'taxRate')::numeric,
    effective_date = (arguments ->> 'effectiveDate')::date, sunset_date = (arguments ->> 'sunsetDate')::date,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN ROW(200, NULL, tenon.legislation_body(new), new.version, new.updated_at, NULL,
             tenon.audit(command, 'UPDATE_LEGISLATION', 'legislation', new.id, tenon.legislation_body(old),
                         tenon.legislation_body(new)))::tenon.outcome;
END
$$;

-- One lock for all: laws change rarely, and a batch of changes may name places that have no row to lock yet.
CREATE FUNCTION tenon.lock_legislation(arguments jsonb[]) RETURNS void
LANGUAGE sql SET search_path = public, pg_temp AS $$
  SELECT pg_advisory_xact_lock('public.legislation'::regclass::oid::integer, 0)
$$;
SELECT tenon.register_operation('put_legislation', 'tenon.put_legislation', 'tenon.lock_legislation');
