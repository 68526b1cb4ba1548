// What the program under attack has of its own: rooms that are visited, in a transaction by handle_idempotent.
#pragma once

#include <array>
#include <string_view>

namespace tenon::chaos {

inline constexpr std::string_view attacked_program = "attacked";
inline constexpr std::string_view rooms_name = "rooms";
inline constexpr std::array<std::string_view, 3> rooms{"00000000-0000-4000-8000-000000000001",
                                                       "00000000-0000-4000-8000-000000000002",
                                                       "00000000-0000-4000-8000-000000000003"};
// A room's version is how often it was visited.
inline constexpr std::string_view rooms_schema = R"sql(
CREATE TABLE public.rooms (id uuid PRIMARY KEY, version bigint NOT NULL DEFAULT 0);
REVOKE ALL ON public.rooms FROM PUBLIC;
INSERT INTO public.rooms SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid FROM generate_series(1, 3) AS n;
CREATE FUNCTION public.pay_visit(command tenon.command, room uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  visits bigint;
BEGIN
  UPDATE rooms SET version = version + 1 WHERE id = room RETURNING version INTO STRICT visits;
  PERFORM tenon.audit(command, 'VISIT_ROOM', 'room', room, NULL, jsonb_build_object('version', visits)::text);
  RETURN visits;
END
$$;
REVOKE ALL ON FUNCTION public.pay_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.pay_visit TO tenon_edge;
SELECT tenon.audit_table('public.rooms', 'id');
)sql";

}  // namespace tenon::chaos
