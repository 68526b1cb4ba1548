-- One page of signing keys in order of their ids. $1 user text[], $2 after uuid[], $3 limit integer[]; one element each (a
-- list is not batched).
WITH page AS (
  SELECT k, k.id
  FROM public.signing_keys AS k
  WHERE ($1[1] IS NULL OR k.user_id = $1[1])
    AND ($2[1] IS NULL OR k.id > $2[1])
  ORDER BY k.id
  LIMIT $3[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY id LIMIT $3[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.signing_key_body(k), ',' ORDER BY id) FROM shown), '')
             || '],"next_cursor":' || CASE WHEN (SELECT count(*) FROM page) > $3[1]
                     THEN '"' || (SELECT id FROM shown ORDER BY id DESC LIMIT 1) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
