/* An OpenAI-like upstream for load measurements: one thread, epoll, every answer prepared before the first request, so
 * that it is never the bottleneck.
 *
 *     mock PORT [CHUNKS]
 *
 * It listens on 127.0.0.1:PORT (0: a free port) and prints the port as the first line of its output. What it answers:
 *
 *     GET  anything                         a list with one model
 *     POST, no "stream": true               a chat completion of about 1 KB
 *     POST, "stream": true                  CHUNKS (100) chunks, a finish reason, usage if asked for, [DONE]:
 *          model p10, p100 or p1000         one chunk every 10, 100 or 1000 ms
 *          any other model                  all at once
 *
 * Requests are searched, not parsed: this serves a load generator, not the world.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS = 512,
    BACKLOG = 4096,
    READ_SIZE = 8 * 1024,
    REQUEST_LIMIT = 8 * 1024 * 1024, /* a longer request ends its connection */
    KEEP_INBOX = 64 * 1024,          /* a larger buffer is freed as soon as it is empty */
};

typedef struct {
    char *bytes;
    size_t length;
} Text;

/* A growing buffer; `size` of its `room` bytes are in use. One byte beyond `room` is always there for a final zero. */
typedef struct {
    char *bytes;
    size_t size, room;
} Buffer;

typedef struct Connection {
    int fd;
    Buffer inbox, outbox;
    int chunks_left;
    bool wants_usage;
    int64_t due_ms;                     /* when its next chunk leaves */
    struct Pace *pace;                  /* the line it waits in; NULL when it streams nothing */
    struct Connection *before, *behind; /* its neighbours in that line */
} Connection;

/* Streams of one speed. All wait equally long, so a line sorted by arrival is sorted by time. */
typedef struct Pace {
    const char *model;
    int64_t interval_ms;
    Connection *first, *last;
} Pace;

static Pace paces[] = {{"p1000", 1000, NULL, NULL}, {"p100", 100, NULL, NULL}, {"p10", 10, NULL, NULL}};
enum { PACES = sizeof paces / sizeof *paces };

static int poller;
static int chunks_per_stream = 100;
static Text plain_answer, models_answer, stream_head, stream_chunk, stream_end, stream_end_with_usage;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------- the answers */

__attribute__((format(printf, 1, 2))) static Text text(const char *format, ...) {
    Text made;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&made.bytes, format, arguments);
    va_end(arguments);
    if (length < 0) fail("vasprintf");
    made.length = (size_t)length;
    return made;
}

/* One event of a stream as one chunk of the transfer coding. */
static Text framed(const char *json) {
    Text event = text("data: %s\n\n", json);
    Text chunk = text("%zx\r\n%s\r\n", event.length, event.bytes);
    free(event.bytes);
    return chunk;
}

static Text json_answer(const char *json) {
    return text("HTTP/1.1 200 OK\r\n"
                "content-type: application/json\r\n"
                "x-request-id: req_0123456789abcdef\r\n"
                "openai-processing-ms: 12\r\n"
                "x-ratelimit-remaining-requests: 9999\r\n"
                "content-length: %zu\r\n\r\n%s",
                strlen(json), json);
}

#define CHUNK_OPENING                                                            \
    "{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\","      \
    "\"created\":1760000000,\"model\":\"gpt-4o-mini\",\"choices\":["

static void prepare_answers(void) {
    enum { CONTENT = 560 };
    char content[CONTENT + 1];
    const char *words = "lorem ipsum dolor sit amet ";
    for (size_t at = 0; at < CONTENT; at++) content[at] = words[at % strlen(words)];
    content[CONTENT] = 0;

    Text completion = text(
        "{\"id\":\"chatcmpl-0123456789abcdefghijklmnop\",\"object\":\"chat.completion\",\"created\":1760000000,"
        "\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\","
        "\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":120,\"total_tokens\":300,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}},"
        "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}",
        content);
    plain_answer = json_answer(completion.bytes);
    models_answer = json_answer("{\"object\":\"list\",\"data\":[{\"id\":\"gpt-4o-mini\",\"object\":\"model\","
                                "\"created\":1,\"owned_by\":\"mock\"}]}");

    stream_head = text("HTTP/1.1 200 OK\r\n"
                       "content-type: text/event-stream; charset=utf-8\r\n"
                       "cache-control: no-cache\r\n"
                       "x-request-id: req_0123456789abcdef\r\n"
                       "transfer-encoding: chunked\r\n\r\n");
    stream_chunk = framed(CHUNK_OPENING "{\"index\":0,\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}");
    Text finish = framed(CHUNK_OPENING "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}");
    Text usage = framed(CHUNK_OPENING "],\"usage\":{\"prompt_tokens\":180,\"completion_tokens\":120,"
                                      "\"total_tokens\":300}}");
    Text done = framed("[DONE]");
    stream_end = text("%s%s0\r\n\r\n", finish.bytes, done.bytes);
    stream_end_with_usage = text("%s%s%s0\r\n\r\n", finish.bytes, usage.bytes, done.bytes);
}

/* ---------------------------------------------------------------- buffers and connections */

static void make_room(Buffer *buffer, size_t wanted) {
    if (buffer->room - buffer->size >= wanted) return;
    buffer->room = (buffer->size + wanted) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->room + 1);
    if (!buffer->bytes) fail("realloc");
}

static void drop_front(Buffer *buffer, size_t count) {
    buffer->size -= count;
    memmove(buffer->bytes, buffer->bytes + count, buffer->size);
}

static void release(Buffer *buffer) {
    free(buffer->bytes);
    *buffer = (Buffer){0};
}

static void join_line(Connection *connection, Pace *pace) {
    connection->pace = pace;
    connection->before = pace->last;
    connection->behind = NULL;
    if (pace->last)
        pace->last->behind = connection;
    else
        pace->first = connection;
    pace->last = connection;
}

static void leave_line(Connection *connection) {
    Pace *pace = connection->pace;
    if (!pace) return;
    if (connection->before)
        connection->before->behind = connection->behind;
    else
        pace->first = connection->behind;
    if (connection->behind)
        connection->behind->before = connection->before;
    else
        pace->last = connection->before;
    connection->pace = NULL;
}

static void end_connection(Connection *connection) {
    leave_line(connection);
    close(connection->fd);
    release(&connection->inbox);
    release(&connection->outbox);
    free(connection);
}

static void watch_for(Connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = connection};
    epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event);
}

/* Sends now what the socket takes and keeps the rest. A broken socket shows itself in the next read. */
static void send_text(Connection *connection, Text part) {
    Buffer *outbox = &connection->outbox;
    size_t sent = 0;
    if (!outbox->size) {
        ssize_t taken = send(connection->fd, part.bytes, part.length, MSG_NOSIGNAL);
        sent = taken > 0 ? (size_t)taken : 0;
        if (sent == part.length) return;
        watch_for(connection, EPOLLIN | EPOLLOUT);
    }
    make_room(outbox, part.length - sent);
    memcpy(outbox->bytes + outbox->size, part.bytes + sent, part.length - sent);
    outbox->size += part.length - sent;
}

static void send_kept(Connection *connection) {
    Buffer *outbox = &connection->outbox;
    ssize_t taken = send(connection->fd, outbox->bytes, outbox->size, MSG_NOSIGNAL);
    if (taken <= 0) return;
    drop_front(outbox, (size_t)taken);
    if (!outbox->size) watch_for(connection, EPOLLIN);
}

/* ---------------------------------------------------------------- streams */

static void send_chunk(Connection *connection) {
    send_text(connection, stream_chunk);
    if (--connection->chunks_left == 0) send_text(connection, connection->wants_usage ? stream_end_with_usage : stream_end);
}

/* Sends every chunk that is due; returns the milliseconds until the next one, -1 if none waits. */
static int send_due_chunks(void) {
    int64_t now = now_ms(), wait = -1;
    for (Pace *pace = paces; pace < paces + PACES; pace++) {
        while (pace->first && pace->first->due_ms <= now) {
            Connection *connection = pace->first;
            leave_line(connection);
            send_chunk(connection);
            if (!connection->chunks_left) continue;
            connection->due_ms += pace->interval_ms;
            /* One that is late goes behind those already in line: the line stays sorted. */
            if (pace->last && pace->last->due_ms > connection->due_ms) connection->due_ms = pace->last->due_ms;
            join_line(connection, pace);
        }
        if (pace->first && (wait < 0 || pace->first->due_ms - now < wait)) wait = pace->first->due_ms - now;
    }
    return (int)wait;
}

/* ---------------------------------------------------------------- requests */

/* The JSON value behind `"name":`, up to the end of the body; NULL where there is none. */
static const char *value_of(const char *name, const char *body, size_t length) {
    const char *found = memmem(body, length, name, strlen(name));
    if (!found) return NULL;
    found += strlen(name);
    while (*found == ' ' || *found == ':') found++; /* the body is followed by a zero */
    return found;
}

static Pace *pace_of(const char *body, size_t length) {
    const char *model = value_of("\"model\"", body, length);
    if (!model || *model != '"') return NULL;
    size_t left = length - (size_t)(model - body);
    const char *end = memchr(model + 1, '"', left - 1);
    for (Pace *pace = paces; end && pace < paces + PACES; pace++)
        /* Longest name first. A prefix before the name (a provider's) does no harm. */
        if (memmem(model, (size_t)(end - model), pace->model, strlen(pace->model))) return pace;
    return NULL;
}

static void answer(Connection *connection, const char *head, const char *body, size_t length) {
    if (!strncmp(head, "GET ", 4)) {
        send_text(connection, models_answer);
        return;
    }
    const char *stream = value_of("\"stream\"", body, length);
    if (!stream || strncmp(stream, "true", 4)) {
        send_text(connection, plain_answer);
        return;
    }
    Pace *pace = pace_of(body, length);
    leave_line(connection); /* nobody asks again in the middle of a stream; if so, the new one counts */
    connection->wants_usage = memmem(body, length, "include_usage", 13) != NULL;
    connection->chunks_left = chunks_per_stream;
    send_text(connection, stream_head);
    if (pace) {
        connection->due_ms = now_ms() + pace->interval_ms;
        join_line(connection, pace);
    } else {
        while (connection->chunks_left) send_chunk(connection);
    }
}

/* The length of the body that follows `head`, which ends in a zero; -1 while it is not known (chunked, incomplete). */
static ssize_t body_length(const char *head, const char *body, size_t arrived) {
    const char *field = strcasestr(head, "\r\ncontent-length:");
    if (field) return (ssize_t)strtoul(field + strlen("\r\ncontent-length:"), NULL, 10);
    if (!strcasestr(head, "\r\ntransfer-encoding:")) return 0;
    const char *end = memmem(body, arrived, "0\r\n\r\n", 5);
    return end ? end + 5 - body : -1;
}

/* Answers the first request in the inbox if it is whole; false when it is not. */
static bool answer_one(Connection *connection) {
    Buffer *inbox = &connection->inbox;
    char *head = inbox->bytes;
    char *end = inbox->size ? memmem(head, inbox->size, "\r\n\r\n", 4) : NULL;
    if (!end) return false;
    char *body = end + 4;
    size_t arrived = inbox->size - (size_t)(body - head);
    *end = 0;
    ssize_t length = body_length(head, body, arrived);
    if (length < 0 || (size_t)length > arrived) {
        *end = '\r';
        return false;
    }
    char after = body[length];
    body[length] = 0;
    answer(connection, head, body, (size_t)length);
    body[length] = after;
    drop_front(inbox, (size_t)(body + length - head));
    return true;
}

static void read_requests(Connection *connection) {
    Buffer *inbox = &connection->inbox;
    for (;;) {
        make_room(inbox, READ_SIZE);
        size_t room = inbox->room - inbox->size;
        ssize_t got = recv(connection->fd, inbox->bytes + inbox->size, room, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0 || inbox->size + (size_t)got > REQUEST_LIMIT) {
            end_connection(connection);
            return;
        }
        inbox->size += (size_t)got;
        if ((size_t)got < room) break;
    }
    inbox->bytes[inbox->size] = 0;
    while (answer_one(connection)) continue;
    /* Thousands of long streams each keeping a buffer would be memory for nothing. */
    if (!inbox->size && (connection->pace || inbox->room > KEEP_INBOX)) release(inbox);
}

/* ---------------------------------------------------------------- the loop */

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, BACKLOG)) fail("bind");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void accept_all(int listener) {
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection *connection = calloc(1, sizeof *connection);
        if (!connection) fail("calloc");
        connection->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: %s PORT [CHUNKS]\n", arguments[0]);
        return 2;
    }
    if (count > 2) chunks_per_stream = atoi(arguments[2]) > 0 ? atoi(arguments[2]) : 1;
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    prepare_answers();
    poller = epoll_create1(0);
    int listener = listen_on(atoi(arguments[1]));
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, send_due_chunks());
        for (int at = 0; at < ready; at++) {
            Connection *connection = events[at].data.ptr;
            if (!connection) {
                accept_all(listener);
                continue;
            }
            if (events[at].events & EPOLLOUT && connection->outbox.size) send_kept(connection);
            if (events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_requests(connection);
        }
    }
}
