-- Tiles of the audit log's tree, hashes in hexadecimal. $1: an array of one element, "LEVEL/INDEX LEVEL/INDEX ...".
SELECT ARRAY[200::smallint], ARRAY[NULL::text],
       ARRAY[(SELECT coalesce(json_object_agg(asked.tile, encode(t.hashes, 'hex')), '{}')::text
              FROM string_to_table($1[1], ' ') AS asked (tile)
              JOIN tenon.audit_tiles AS t
                ON t.level = split_part(asked.tile, '/', 1)::smallint AND t.index = split_part(asked.tile, '/', 2)::bigint)],
       ARRAY[NULL::bigint], ARRAY[NULL::timestamptz]
