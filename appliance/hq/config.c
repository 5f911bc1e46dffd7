#include "hq/hq.h"

const AblakConfigKey ablak_hq_config_keys[] = {
    {"state", ABLAK_CONFIG_STRING, "/var/lib/ablak/hq", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Folder of headquarters' state: database, authority, keys, editions."},
    {"people-address", ABLAK_CONFIG_STRING, "127.0.0.1", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Address on which the console is served."},
    {"people-port", ABLAK_CONFIG_INT, "8090", 0, 65535, NULL, ABLAK_CONFIG_RESTART,
     "Port on which the console is served; 0 takes a free one."},
    {"certificate", ABLAK_CONFIG_STRING, "", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "PEM file of the console's certificate chain; empty serves plain HTTP. SIGHUP reads a renewed "
     "one."},
    {"certificate-key", ABLAK_CONFIG_STRING, "", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "PEM file of its private key, read again with it."},
    {"boxes-address", ABLAK_CONFIG_STRING, "127.0.0.1", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Address on which boxes enrol and replicate, always with TLS 1.3."},
    {"boxes-port", ABLAK_CONFIG_INT, "8091", 0, 65535, NULL, ABLAK_CONFIG_RESTART,
     "Port on which boxes enrol and replicate; 0 takes a free one."},
    {"boxes-names", ABLAK_CONFIG_STRING, "localhost 127.0.0.1", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Names and addresses by which boxes reach headquarters, separated by spaces: they stand in "
     "its certificate."},
    {"trusted-proxy", ABLAK_CONFIG_STRING, "", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Address of a proxy in front whose Forwarded header is believed."},
    {"pages", ABLAK_CONFIG_STRING, "/usr/share/ablak/pages/hq", 0, 0, NULL, ABLAK_CONFIG_RESTART,
     "Folder of the built pages."},
    {"catalogue", ABLAK_CONFIG_STRING, "/usr/share/ablak/catalogue", 0, 0, NULL,
     ABLAK_CONFIG_RESTART, "Folder of the catalogue's sources: one folder for each office."},
    {"log-level", ABLAK_CONFIG_STRING, "info", 0, 0, NULL, ABLAK_CONFIG_RELOAD,
     "Least level of log lines: debug, info, warning or error."},
    {NULL, ABLAK_CONFIG_STRING, NULL, 0, 0, NULL, ABLAK_CONFIG_RESTART, NULL},
};
