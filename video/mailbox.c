/* video/mailbox.c: what the slow loop and the media loops send each other. */
#include "video/loop-private.h"
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Packets waiting; a loop that is so far behind would deliver them too late to be of use. */
#define PACKETS_MAX 512

bool ablak_mailbox_init(Mailbox *mailbox)
{
  pthread_mutex_init(&mailbox->mutex, NULL);
  mailbox->head = NULL;
  mailbox->tail = &mailbox->head;
  mailbox->packets = 0;
  mailbox->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return mailbox->event_fd >= 0;
}

void ablak_mailbox_clear(Mailbox *mailbox)
{
  for (Message *message = mailbox->head, *next; message != NULL; message = next) {
    next = message->next;
    ablak_message_free(message);
  }
  if (mailbox->event_fd >= 0)
    close(mailbox->event_fd);
  pthread_mutex_destroy(&mailbox->mutex);
}

Message *ablak_message_new(MessageType type, AblakFlow *flow, gconstpointer data, gsize size)
{
  Message *message = g_malloc(sizeof *message + size);
  *message = (Message){.type = type, .flow = flow, .size = size};
  if (size > 0)
    memcpy(message->data, data, size);
  if (flow != NULL)
    ablak_flow_ref(flow);
  return message;
}

void ablak_message_free(Message *message)
{
  if (message->flow != NULL)
    ablak_flow_unref(message->flow);
  g_free(message);
}

static bool is_packet(const Message *message)
{
  return message->type == COMMAND_RECEIVE || message->type == EVENT_DTLS;
}

void ablak_mailbox_post(Mailbox *mailbox, Message *message)
{
  pthread_mutex_lock(&mailbox->mutex);
  bool full = is_packet(message) && mailbox->packets == PACKETS_MAX;
  bool first = mailbox->head == NULL;
  if (!full) {
    mailbox->packets += is_packet(message);
    message->next = NULL;
    *mailbox->tail = message;
    mailbox->tail = &message->next;
  }
  pthread_mutex_unlock(&mailbox->mutex);
  if (full)
    ablak_message_free(message);
  else if (first)
    eventfd_write(mailbox->event_fd, 1);
}

Message *ablak_mailbox_take(Mailbox *mailbox)
{
  eventfd_t ignored;
  eventfd_read(mailbox->event_fd, &ignored);
  pthread_mutex_lock(&mailbox->mutex);
  Message *list = mailbox->head;
  mailbox->head = NULL;
  mailbox->tail = &mailbox->head;
  mailbox->packets = 0;
  pthread_mutex_unlock(&mailbox->mutex);
  return list;
}
