-- An edit looks at the version first and waits for the row's lock afterwards: what it then changes may be a later version.
UPDATE tenon.operations SET prelock = NULL WHERE name = 'update_item';

CREATE OR REPLACE FUNCTION tenon.update_item(command tenon.command, arguments jsonb) RETURNS tenon.outcome
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
  old inventory;
  new inventory;
BEGIN
  SELECT * INTO old FROM inventory WHERE id = (arguments ->> 'id')::uuid;
  IF NOT FOUND THEN
    RETURN tenon.no_such_item((arguments ->> 'id')::uuid);
  END IF;
  IF NOT tenon.precondition_holds(arguments -> 'precondition', old.version, old.updated_at, old.prior_updated_at) THEN
    RETURN tenon.stale(old.version, old.updated_at);
  END IF;
  UPDATE inventory SET
    name = CASE WHEN arguments ? 'name' THEN arguments ->> 'name' ELSE name END,
    price = CASE WHEN arguments ? 'price' THEN (arguments ->> 'price')::numeric ELSE price END,
    origin = CASE WHEN arguments ? 'origin' THEN arguments ->> 'origin' ELSE origin END,
    image_url = CASE WHEN arguments ? 'image_url' THEN arguments ->> 'image_url' ELSE image_url END,
    version = version + 1, prior_updated_at = updated_at, updated_at = tenon.change_moment(updated_at)
  WHERE id = old.id
  RETURNING * INTO new;
  RETURN tenon.item_answer(200, new, tenon.audit(command, 'UPDATE_ITEM', 'item', new.id,
                                                 tenon.item_body(old), tenon.item_body(new)));
END
$$;
