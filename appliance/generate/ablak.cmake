# Helpers shared by the folders' CMakeLists.

# ablak_embed_migrations(target part a.sql b.sql ...)
# Generates <build>/generated/<part>-migrations.c, which defines `const AblakStorePart
# ablak_<part>_store_part` (see store/store.h), and adds it to TARGET.
function(ablak_embed_migrations target part)
  set(output ${CMAKE_BINARY_DIR}/generated/${part}-migrations.c)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${ABLAK_NODE} ${CMAKE_SOURCE_DIR}/appliance/generate/migrations.mjs ${part} ${output} ${ARGN}
    DEPENDS ${CMAKE_SOURCE_DIR}/appliance/generate/migrations.mjs ${ARGN}
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()

# ablak_unit_test(name SOURCES a.c ... LIBRARIES l ...): a GLib test program run by ctest.
function(ablak_unit_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name} --tap)
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300
    ENVIRONMENT "G_TEST_SRCDIR=${CMAKE_CURRENT_SOURCE_DIR};G_TEST_BUILDDIR=${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
