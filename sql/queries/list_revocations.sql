-- One page of the revocations in force, in order of creation. $1 after uuid[], $2 limit integer[]; one element each (a list is
-- not batched).
WITH page AS (
  SELECT one, one.id
  FROM public.token_revocations AS one
  WHERE NOT one.lifted AND (one.expires_at IS NULL OR one.expires_at > now())
    AND ($1[1] IS NULL OR one.id > $1[1])
  ORDER BY one.id
  LIMIT $2[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY id LIMIT $2[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.revocation_body(one), ',' ORDER BY id) FROM shown), '')
             || '],"next_cursor":' || CASE WHEN (SELECT count(*) FROM page) > $2[1]
                     THEN '"' || (SELECT id FROM shown ORDER BY id DESC LIMIT 1) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
