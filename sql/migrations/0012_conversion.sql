-- Conversion: an Active facility becomes a business, where the law allows it; once.

CREATE TABLE public.facility_conversions (
  facility_id uuid PRIMARY KEY REFERENCES public.facilities,  -- a facility converts once, whatever the keys
  business_id uuid NOT NULL UNIQUE,  -- no reference: the business may be deleted, its history stays
  owner_id text NOT NULL,
  substance text NOT NULL,
  new_business_type text NOT NULL,
  legal_status text NOT NULL CHECK (legal_status IN ('Medical', 'Recreational')),
  tax_rate numeric(5, 2) NOT NULL,
  inventory jsonb NOT NULL CHECK (jsonb_typeof(inventory) = 'array'),  -- what moved, each with its values before and after
  illegal_value numeric(18, 2) NOT NULL CHECK (illegal_value BETWEEN 0 AND 1000000000000000),
  legal_value numeric(18, 2) NOT NULL CHECK (legal_value >= 0),
  license_application jsonb,
  converted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT legal_goods_are_cheaper CHECK (legal_value <= illegal_value)
);
REVOKE ALL ON public.facility_conversions FROM PUBLIC;

CREATE FUNCTION tenon.conversion_name(arguments jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(arguments #>> '{licenseApplicationData,businessName}',
                  (arguments ->> 'substance') || ' ' || (arguments ->> 'newBusinessType'))
$$;

-- Facilities in id order, then the names their businesses will have.
CREATE FUNCTION tenon.lock_conversions(arguments jsonb[]) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM facilities WHERE id = ANY (SELECT (a ->> 'facilityId')::uuid FROM unnest(arguments) AS a) ORDER BY id FOR UPDATE;
  PERFORM tenon.lock_business_names(array_agg(f.owner_id), array_agg(tenon.conversion_name(a)))
  FROM unnest(arguments) AS a JOIN facilities AS f ON f.id = (a ->> 'facilityId')::uuid;
END
$$;

-- Each holding with its worth: an illegal unit 100 x purity %, a legal one 60 x purity %.
CREATE FUNCTION tenon.valued_holdings(inventory jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg(jsonb_build_object(
           'substance', held.substance, 'quantity', held.quantity,
           'illegalValue', round(held.quantity * 100 * held.purity / 100, 2),
           'legalValue', round(held.quantity * 60 * held.purity / 100, 2)) ORDER BY n), '[]')
  FROM ROWS FROM (jsonb_to_recordset(inventory) AS (substance text, quantity numeric, purity numeric)) WITH ORDINALITY
    AS held (substance, quantity, purity, n)
$$;

-- {"facilityId", "substance", "newBusinessType", "licenseApplicationData"?, "precondition"?}
CREATE FUNCTION tenon.convert_facility(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old facilities;
  new facilities;
  law legislation;
  business businesses;
  moved jsonb;
  illegal numeric;
  legal numeric;
  converted_at CONSTANT timestamptz := clock_timestamp();
  business_audit_id bigint;
BEGIN
  SELECT * INTO old FROM facilities WHERE id = (arguments ->> 'facilityId')::uuid FOR UPDATE;
  IF NOT FOUND THEN
    RETURN tenon.refused(404, 'not_found', 'There is no facility ' || (arguments ->> 'facilityId') || '.');
  END IF;
  IF command.user_id <> old.owner_id THEN  -- an admin too: what comes of it belongs to the owner
    RETURN tenon.not_owner('Only its owner may convert a facility.');
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  IF old.status <> 'Active' THEN
    RETURN tenon.refused(409, 'not_active', 'The facility is ' || old.status || '.',
                         jsonb_build_object('facilityStatus', old.status));
  END IF;
  SELECT * INTO law FROM legislation WHERE substance = arguments ->> 'substance' AND jurisdiction_id = old.state;
  IF NOT FOUND OR NOT tenon.is_convertible(law, (converted_at AT TIME ZONE 'UTC')::date) THEN
    RETURN tenon.refused(422, 'not_convertible',
                         (arguments ->> 'substance') || ' is ' || coalesce(law.status, 'Illegal') || ' in ' || old.state
                           || ', or that law is not in force today.',
                         jsonb_build_object('substance', arguments ->> 'substance', 'state', old.state,
                                            'legalStatus', coalesce(law.status, 'Illegal')));
  END IF;

  INSERT INTO businesses (name, owner_id, company_id, category, tax_rate, inventory, state, city)
  VALUES (tenon.conversion_name(arguments), old.owner_id, old.company_id, arguments ->> 'newBusinessType', law.tax_rate,
          old.inventory, old.state, old.city)
  ON CONFLICT ON CONSTRAINT one_name_per_owner DO NOTHING
  RETURNING * INTO business;
  IF NOT FOUND THEN
    RETURN tenon.name_taken(old.owner_id, tenon.conversion_name(arguments));
  END IF;
  UPDATE facilities SET
    status = 'Converted', inventory = '[]',
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;

  moved := tenon.valued_holdings(old.inventory);
  SELECT coalesce(sum((m ->> 'illegalValue')::numeric), 0), coalesce(sum((m ->> 'legalValue')::numeric), 0)
  INTO illegal, legal FROM jsonb_array_elements(moved) AS m;
  INSERT INTO facility_conversions (facility_id, business_id, owner_id, substance, new_business_type, legal_status, tax_rate,
                                    inventory, illegal_value, legal_value, license_application, converted_at)
  VALUES (old.id, business.id, old.owner_id, arguments ->> 'substance', arguments ->> 'newBusinessType', law.status,
          law.tax_rate, moved, illegal, legal, arguments -> 'licenseApplicationData', converted_at);

  business_audit_id := tenon.audit(command, 'CREATE_BUSINESS', 'business', business.id, NULL, tenon.business_body(business));
  PERFORM tenon.audit(command, 'CONVERT_FACILITY', 'facility', new.id, tenon.facility_body(old), tenon.facility_body(new));
  RETURN ROW(201, NULL,
             '{"convertedFacilityId":"' || new.id || '","businessId":"' || business.id
               || '","conversionDetails":{"substance":' || to_json(law.substance) || ',"oldStatus":"' || old.status
               || '","newBusinessType":"' || business.category || '","legalStatus":"' || law.status
               || '","taxRate":' || trim_scale(law.tax_rate) || ',"estimatedAnnualRevenue":' || 12 * legal
               || '},"inventoryTransferred":' || moved || ',"conversionDate":"' || tenon.iso(converted_at) || '"}',
             new.version, new.updated_at, '/api/business/' || business.id, business_audit_id)::tenon.outcome;
END
$$;
SELECT tenon.register_operation('convert_facility', 'tenon.convert_facility', 'tenon.lock_conversions');
