-- One page of somebody's facilities in order of creation. $1 owner text[], $2 after uuid[], $3 limit integer[]; one element each
-- (a list is not batched).
WITH page AS (
  SELECT f, f.id
  FROM public.facilities AS f
  WHERE f.owner_id = $1[1]
    AND ($2[1] IS NULL OR f.id > $2[1])
  ORDER BY f.id
  LIMIT $3[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY id LIMIT $3[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.facility_body(f), ',' ORDER BY id) FROM shown), '')
             || '],"next_cursor":' || CASE WHEN (SELECT count(*) FROM page) > $3[1]
                     THEN '"' || (SELECT id FROM shown ORDER BY id DESC LIMIT 1) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
