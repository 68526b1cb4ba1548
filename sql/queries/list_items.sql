-- One page of the inventory in order of creation. $1 search text[], $2 origin text[], $3 after uuid[], $4 limit integer[];
-- one element each (a list is not batched).
WITH page AS (
  SELECT i, i.id
  FROM public.inventory AS i
  WHERE ($3[1] IS NULL OR i.id > $3[1])
    AND ($1[1] IS NULL OR strpos(lower(i.name), lower($1[1])) > 0)
    AND ($2[1] IS NULL OR i.origin = $2[1])
  ORDER BY i.id
  LIMIT $4[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY id LIMIT $4[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.item_body(i), ',' ORDER BY id) FROM shown), '') || '],"next_cursor":'
             || CASE WHEN (SELECT count(*) FROM page) > $4[1]
                     THEN '"' || (SELECT id FROM shown ORDER BY id DESC LIMIT 1) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
