-- Laundering channels.

CREATE TABLE public.laundering_channels (
  id uuid PRIMARY KEY DEFAULT tenon.new_id(),
  owner_id text NOT NULL CHECK (char_length(owner_id) BETWEEN 1 AND 200),
  company_id text CHECK (char_length(company_id) BETWEEN 1 AND 200),
  method text NOT NULL CHECK (method IN ('Shell', 'CashBiz', 'Crypto', 'TradeBased', 'Counterfeit')),
  throughput_cap bigint NOT NULL CHECK (throughput_cap BETWEEN 1 AND 1000000000000),
  fee_percent numeric(5, 2) NOT NULL CHECK (fee_percent BETWEEN 0 AND 100),
  latency_days integer NOT NULL CHECK (latency_days BETWEEN 0 AND 36500),
  detection_risk numeric(5, 2) NOT NULL CHECK (detection_risk BETWEEN 0 AND 100),
  version bigint NOT NULL DEFAULT 1 CHECK (version >= 1),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX laundering_channels_owner ON public.laundering_channels (owner_id, id);
REVOKE ALL ON public.laundering_channels FROM PUBLIC;
GRANT SELECT ON public.laundering_channels TO tenon_edge;

CREATE FUNCTION tenon.channel_body(c public.laundering_channels) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT '{"id":"' || c.id || '","ownerId":' || to_json(c.owner_id) || ',"companyId":' || tenon.json_text(c.company_id)
         || ',"method":"' || c.method || '","throughputCap":' || c.throughput_cap
         || ',"feePercent":' || trim_scale(c.fee_percent) || ',"latencyDays":' || c.latency_days
         || ',"detectionRisk":' || trim_scale(c.detection_risk) || ',"version":' || c.version
         || ',"createdAt":"' || tenon.iso(c.created_at) || '","updatedAt":"' || tenon.iso(c.updated_at) || '"}'
$$;
GRANT EXECUTE ON FUNCTION tenon.channel_body TO tenon_edge;

-- {"companyId"?, "method", "throughputCap", "feePercent", "latencyDays", "detectionRisk"}: the owner is the caller.
CREATE FUNCTION tenon.create_channel(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  new laundering_channels;
  body text;
BEGIN
  INSERT INTO laundering_channels (owner_id, company_id, method, throughput_cap, fee_percent, latency_days, detection_risk)
  VALUES (command.user_id, arguments ->> 'companyId', arguments ->> 'method', (arguments ->> 'throughputCap')::bigint,
          (arguments ->> 'feePercent')::numeric, (arguments ->> 'latencyDays')::integer,
          (arguments ->> 'detectionRisk')::numeric)
  RETURNING * INTO new;
  body := tenon.channel_body(new);
  RETURN ROW(201, NULL, body, new.version, new.updated_at, NULL,
             tenon.audit(command, 'CREATE_CHANNEL', 'laundering_channel', new.id, NULL, body))::tenon.outcome;
END
$$;
SELECT tenon.register_operation('create_channel', 'tenon.create_channel');
