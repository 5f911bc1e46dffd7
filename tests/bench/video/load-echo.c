/* tests/bench/video/load-echo.c */
#include "load-echo.h"
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

int load_echo_main(void)
{
  char data[2048];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
    perror("video-load echo");
    return 1;
  }
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    length = sizeof address;
    ssize_t size = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&address, &length);
    if (size > 0)
      sendto(fd, data, (size_t)size, 0, (struct sockaddr *)&address, length);
  }
}
