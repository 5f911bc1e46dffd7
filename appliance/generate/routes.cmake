# ablak_routes(target daemon openapi.json [TYPESCRIPT file.ts])
# Generates <build>/generated/<daemon>-routes.c and .h: the route table
# `ablak_<daemon>_route_table` and the handlers' prototypes (#include "<daemon>-routes.h"), and adds
# them to TARGET. A handler that is not written is a link error.
function(ablak_routes target daemon document)
  cmake_parse_arguments(ARG "" "TYPESCRIPT" "" ${ARGN})
  set(base ${CMAKE_BINARY_DIR}/generated/${daemon}-routes)
  set(generator ${CMAKE_SOURCE_DIR}/appliance/generate/routes.mjs)
  get_filename_component(document ${document} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
  add_custom_command(
    OUTPUT ${base}.c ${base}.h ${ARG_TYPESCRIPT}
    COMMAND ${ABLAK_NODE} ${generator} ${document} ${daemon} ${base}.c ${base}.h ${ARG_TYPESCRIPT}
    DEPENDS ${generator} ${document}
    VERBATIM)
  target_sources(${target} PRIVATE ${base}.c ${base}.h)
endfunction()
