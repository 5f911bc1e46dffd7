/* tests/bench/video/load-echo.h: sends every datagram back to where it came from. The delay through
 * it is what the two sockets and the scheduler cost; a relay's own delay is what it has more. */
#pragma once

/* Prints {"port":N} and goes on until it is killed. Returns 1 when there is no socket. */
int load_echo_main(void);
