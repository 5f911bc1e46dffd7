/* tests/bench/video/load.c: the load generator: many people in calls over real ICE, DTLS and SRTP.
 *
 *   video-load PROFILES     SRTP profiles as OpenSSL names them, the preferred one first
 *   video-load echo         the plain UDP echo
 *
 * Commands and events are JSON lines on stdin and stdout:
 *   {do:"leg"}                      -> {event:"leg", leg, ufrag, password, fingerprint, address,
 *                                       port, audio, video}        (the SSRCs it sends)
 *   {do:"connect", leg, peer, ufrag, password, fingerprint, address, port, server, controlling}
 *                                   -> {event:"settled", leg, profile} or {…, failure}
 *   {do:"plain", leg, peer, address, port}      no ICE, DTLS, SRTP: the echo
 *   {do:"run", legs, relay, lead, window}       the first `legs` legs send; `relay` is a process
 * id, times are milliseconds
 *                                   -> {event:"began"}, then {event:"report", …}
 * One thread; it ends with its stdin. */
#include "load-echo.h"
#include "load-run.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_NS 1000000

typedef struct {
  Load load;
  LoadRun *run;
  GString *input;
  int timer;
} Program;

static void say(json_t *event)
{
  json_dumpf(event, stdout, JSON_COMPACT);
  putchar('\n');
  fflush(stdout);
  json_decref(event);
}

static void die(const char *what)
{
  fprintf(stderr, "video-load: %s\n", what);
  exit(1);
}

static void settled(LoadLeg *leg, const char *failure)
{
  if (failure != NULL)
    say(json_pack("{s:s, s:i, s:s}", "event", "settled", "leg", (int)leg->index, "failure",
                  failure));
  else
    say(json_pack("{s:s, s:i, s:s}", "event", "settled", "leg", (int)leg->index, "profile",
                  ablak_srtp_profile_name(leg->profile)));
}

static void do_leg(Program *program)
{
  char address[INET_ADDRSTRLEN];
  LoadLeg *leg = load_leg_new(&program->load);
  struct in_addr number = load_net_leg_address(leg->index);
  inet_ntop(AF_INET, &number, address, sizeof address);
  say(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:i, s:I, s:I}", "event", "leg", "leg",
                (int)leg->index, "ufrag", leg->ice.ufrag, "password", leg->ice.password,
                "fingerprint", load_dtls_context_fingerprint(program->load.dtls), "address",
                address, "port", (int)load_net_port(program->load.net), "audio",
                (json_int_t)leg->out[LOAD_AUDIO].ssrc, "video",
                (json_int_t)leg->out[LOAD_VIDEO].ssrc));
}

static void do_connect(Program *program, json_t *command, bool plain)
{
  int index, peer, port, server = 0, controlling = 0;
  const char *address, *ufrag = "", *password = "", *fingerprint = "";
  struct sockaddr_in remote = {.sin_family = AF_INET};
  if (json_unpack(command, "{s:i, s:i, s:s, s:i, s?s, s?s, s?s, s?b, s?b}", "leg", &index, "peer",
                  &peer, "address", &address, "port", &port, "ufrag", &ufrag, "password", &password,
                  "fingerprint", &fingerprint, "server", &server, "controlling",
                  &controlling) != 0 ||
      index < 0 || (guint)index >= program->load.legs->len ||
      inet_pton(AF_INET, address, &remote.sin_addr) != 1)
    die("a connect command cannot be read");
  LoadLeg *leg = program->load.legs->pdata[index];
  remote.sin_port = htons((guint16)port);
  leg->peer = (guint)peer;
  leg->server = server != 0;
  leg->plain = plain;
  g_strlcpy(leg->remote_fingerprint, fingerprint, sizeof leg->remote_fingerprint);
  load_ice_start(&leg->ice, ufrag, password, &remote, controlling != 0);
}

static void do_run(Program *program, json_t *command)
{
  int legs, relay, lead, window;
  if (program->run != NULL ||
      json_unpack(command, "{s:i, s:i, s:i, s:i}", "legs", &legs, "relay", &relay, "lead", &lead,
                  "window", &window) != 0 ||
      legs < 1 || (guint)legs > program->load.legs->len)
    die("a run command cannot be read");
  program->run = load_run_new(&program->load, (guint)legs, relay, lead, window);
}

static void do_line(Program *program, const char *line)
{
  json_t *command = json_loads(line, 0, NULL);
  const char *name = json_string_value(json_object_get(command, "do"));
  if (g_strcmp0(name, "leg") == 0)
    do_leg(program);
  else if (g_strcmp0(name, "connect") == 0)
    do_connect(program, command, false);
  else if (g_strcmp0(name, "plain") == 0)
    do_connect(program, command, true);
  else if (g_strcmp0(name, "run") == 0)
    do_run(program, command);
  else
    die("a command is not known");
  json_decref(command);
}

static void read_commands(Program *program)
{
  char data[65536], *end;
  ssize_t size = read(STDIN_FILENO, data, sizeof data);
  if (size == 0)
    exit(0);
  if (size > 0)
    g_string_append_len(program->input, data, size);
  while ((end = strchr(program->input->str, '\n')) != NULL) {
    *end = '\0';
    do_line(program, program->input->str);
    g_string_erase(program->input, 0, end - program->input->str + 1);
  }
}

static void received(guint index, const struct sockaddr_in *from, guint8 *data, gsize size,
                     gint64 at_ns, gpointer user)
{
  Program *program = user;
  if (index < program->load.legs->len)
    load_leg_received(program->load.legs->pdata[index], from, data, size, at_ns);
}

static void tick(Program *program)
{
  Load *load = &program->load;
  gint64 now_ns = load_now_ns();
  LoadRunStep step = program->run != NULL ? load_run_tick(program->run, now_ns) : LOAD_RUN_GOES_ON;
  load_net_receive(load->net, received, program);
  for (guint i = 0; i < load->legs->len; i++)
    load_leg_tick(load->legs->pdata[i], now_ns);
  if (step == LOAD_RUN_BEGAN)
    say(json_pack("{s:s}", "event", "began"));
  if (step == LOAD_RUN_ENDED) {
    load->report.drops = load_net_drops(load->net);
    json_t *report = load_report_json(&load->report);
    json_object_set_new(report, "event", json_string("report"));
    say(report);
    g_clear_pointer(&program->run, load_run_free);
  }
}

static int timer_new(void)
{
  struct itimerspec interval = {{0, TICK_NS}, {0, TICK_NS}};
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  if (timer < 0 || timerfd_settime(timer, 0, &interval, NULL) != 0)
    die("there is no timer");
  return timer;
}

static void loop(Program *program)
{
  struct pollfd fds[] = {{program->timer, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    guint64 ticks;
    if (poll(fds, G_N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
      die("waiting failed");
    if ((fds[0].revents & POLLIN) != 0 && read(program->timer, &ticks, sizeof ticks) > 0)
      tick(program);
    if (fds[1].revents != 0)
      read_commands(program);
  }
}

int main(int argc, char **argv)
{
  Program program = {.load = {.settled = settled}};
  if (argc == 2 && strcmp(argv[1], "echo") == 0)
    return load_echo_main();
  if (argc != 2)
    die("usage: video-load PROFILES | echo");
  program.load.legs = g_ptr_array_new();
  program.load.senders = g_hash_table_new(NULL, NULL);
  program.load.net = load_net_new();
  program.load.dtls = load_dtls_context_new(argv[1]);
  program.input = g_string_new(NULL);
  program.timer = timer_new();
  if (program.load.net == NULL || program.load.dtls == NULL)
    die("no socket, or unknown profiles");
  loop(&program);
}
