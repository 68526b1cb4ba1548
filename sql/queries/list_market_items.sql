-- One page of the black market in order of creation. $1 category, $2 status, $3 seller, $4 state: text[]; $5 after uuid[],
-- $6 limit integer[]; one element each (a list is not batched).
WITH page AS (
  SELECT i, i.id
  FROM public.market_items AS i
  WHERE ($1[1] IS NULL OR i.category = $1[1])
    AND ($2[1] IS NULL OR i.status = $2[1])
    AND ($3[1] IS NULL OR i.seller_id = $3[1])
    AND ($4[1] IS NULL OR i.state = $4[1])
    AND ($5[1] IS NULL OR i.id > $5[1])
  ORDER BY i.id
  LIMIT $6[1] + 1  -- one more than asked for tells whether there is a next page
), shown AS (
  SELECT * FROM page ORDER BY id LIMIT $6[1]
)
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY['{"items":[' || coalesce((SELECT string_agg(tenon.market_item_body(i), ',' ORDER BY id) FROM shown), '')
             || '],"next_cursor":' || CASE WHEN (SELECT count(*) FROM page) > $6[1]
                     THEN '"' || (SELECT id FROM shown ORDER BY id DESC LIMIT 1) || '"' ELSE 'null' END || '}'],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
