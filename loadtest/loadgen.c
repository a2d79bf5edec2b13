/* A load generator: one thread, epoll, the same request over and over on keep-alive connections to 127.0.0.1.
 *
 *     loadgen --port PORT --body FILE [options]          prints one line of JSON
 *
 *     --path PATH          what to POST to (/v1/chat/completions)
 *     --key KEY            the bearer token (sk-load)
 *     --connections N      (1)
 *     --rate R             open loop: R requests a second arrive at random, whatever the answers do;
 *                          0 (default) is the closed loop: every connection asks again as soon as it has its answer
 *     --seconds S          how long to measure (4)
 *     --warmup S           how long to run before that (1)
 *     --stagger S          closed loop: spread the first requests over so many seconds (0)
 *     --pids P,P,...       processes whose CPU time is read at both ends of the measured window
 *
 * What is counted: answers that end within the window. Their latency runs from the start of the request (open loop: from its
 * arrival, so that time in line counts) to the last byte; the first byte is the first of the body. Errors are broken or
 * refused connections and answers that are not HTTP, in the warm-up too. A status other than 200 is counted apart.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, HEAD_LIMIT = 8 * 1024, READ_SIZE = 256 * 1024, LINE_LIMIT = 1 << 20, SEED = 42 };

typedef struct {
    int port, connections;
    const char *path, *key, *body_file, *pids;
    double rate, seconds, warmup, stagger;
} Options;

/* Where the reader of an answer stands. */
typedef enum { HEAD, BODY_BY_LENGTH, BODY_UNTIL_CLOSE, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } Part;

typedef struct {
    int fd; /* -1: could not be opened again */
    bool busy, closes, after_newline, blank_line;
    Part part;
    int status;
    uint64_t left; /* bytes of the body, or of the chunk, still to come */
    size_t sent;
    double asked_at, first_byte_at;
    size_t head_size;
    char head[HEAD_LIMIT + 1];
} Connection;

/* Growing list of numbers. */
typedef struct {
    double *at;
    size_t size, room;
} Samples;

/* Arrivals that wait for a free connection: a ring. */
typedef struct {
    double at[LINE_LIMIT];
    size_t head, size;
} Line;

static Options options = {.path = "/v1/chat/completions", .key = "sk-load", .pids = "", .connections = 1, .seconds = 4, .warmup = 1};
static struct sockaddr_in server;
static char *request;
static size_t request_size;
static int poller, timer;

static Connection *connections;
static Connection **idle;
static int idle_count, started;
static Line line;

static bool measuring;
static Samples latencies, first_bytes;
static uint64_t errors, not_200, events, bytes;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---------------------------------------------------------------- numbers */

static void add_sample(Samples *samples, double value) {
    if (samples->size == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 65536;
        samples->at = realloc(samples->at, samples->room * sizeof *samples->at);
        if (!samples->at) fail("realloc");
    }
    samples->at[samples->size++] = value;
}

static int by_value(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

/* `share` of the samples, which are sorted, took at most so many microseconds; -1 where there are none. */
static double percentile_us(const Samples *samples, double share) {
    return samples->size ? samples->at[(size_t)((double)(samples->size - 1) * share)] * 1e6 : -1;
}

static void print_percentiles(const char *name, Samples *samples) {
    if (samples->size) qsort(samples->at, samples->size, sizeof *samples->at, by_value);
    printf("\"%s\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}, ", name, percentile_us(samples, 0.5),
           percentile_us(samples, 0.9), percentile_us(samples, 0.99), percentile_us(samples, 1));
}

/* User and system time of one process in seconds; 0 if it is gone. */
static double cpu_of(const char *pid) {
    char path[64], stat[2048];
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    size_t size = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[size] = 0;
    /* Behind the name, which may hold anything and ends in the last bracket, utime is the 12th field and stime the 13th. */
    const char *field = strrchr(stat, ')');
    for (int skipped = 0; field && skipped < 12; skipped++) field = strchr(field + 1, ' ');
    unsigned long user = 0, system = 0;
    if (!field || sscanf(field, "%lu %lu", &user, &system) != 2) return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of_all(const char *pids) {
    double total = 0;
    char *list = strdup(pids), *rest = list, *pid;
    while ((pid = strsep(&rest, ","))) {
        if (*pid) total += cpu_of(pid);
    }
    free(list);
    return total;
}

static double own_cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* ---------------------------------------------------------------- asking */

static void watch_for(Connection *connection, uint32_t what, int how) {
    struct epoll_event event = {.events = what, .data.ptr = connection};
    if (epoll_ctl(poller, how, connection->fd, &event)) fail("epoll_ctl");
}

static void open_connection(Connection *connection) {
    int on = 1;
    connection->busy = false;
    connection->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->fd < 0) fail("socket");
    if (connect(connection->fd, (struct sockaddr *)&server, sizeof server)) {
        perror("connect");
        close(connection->fd);
        connection->fd = -1;
        errors++;
        return;
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    watch_for(connection, EPOLLIN, EPOLL_CTL_ADD);
}

/* Sends what the socket takes; the rest follows when it can be written again. */
static void send_rest(Connection *connection) {
    bool waited = connection->sent > 0;
    while (connection->sent < request_size) {
        ssize_t taken = send(connection->fd, request + connection->sent, request_size - connection->sent, MSG_NOSIGNAL);
        if (taken < 0) {
            /* A broken connection shows itself in the next read. */
            if (errno == EAGAIN) watch_for(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
            return;
        }
        connection->sent += (size_t)taken;
    }
    if (waited) watch_for(connection, EPOLLIN, EPOLL_CTL_MOD);
}

static void ask(Connection *connection, double asked_at) {
    connection->busy = true;
    connection->part = HEAD;
    connection->head_size = 0;
    connection->sent = 0;
    connection->after_newline = false;
    connection->asked_at = asked_at;
    connection->first_byte_at = 0;
    send_rest(connection);
}

/* The connection is free: it asks again, takes the next in line, or waits. */
static void ask_next(Connection *connection) {
    if (connection->fd < 0) return;
    if (options.rate == 0) {
        ask(connection, now());
    } else if (line.size) {
        double asked_at = line.at[line.head];
        line.head = (line.head + 1) % LINE_LIMIT;
        line.size--;
        ask(connection, asked_at);
    } else {
        idle[idle_count++] = connection;
    }
}

static void arrive(double asked_at) {
    if (idle_count) {
        ask(idle[--idle_count], asked_at);
    } else if (line.size < LINE_LIMIT) {
        line.at[(line.head + line.size++) % LINE_LIMIT] = asked_at;
    } else {
        errors++;
    }
}

/* ---------------------------------------------------------------- reading answers */

static void reopen(Connection *connection) {
    close(connection->fd);
    open_connection(connection);
}

static void give_up(Connection *connection) {
    errors++;
    reopen(connection);
    ask_next(connection);
}

static void finish(Connection *connection) {
    double ended_at = now();
    if (connection->status != 200) not_200++;
    if (measuring) {
        double first = connection->first_byte_at > 0 ? connection->first_byte_at : ended_at;
        add_sample(&latencies, ended_at - connection->asked_at);
        add_sample(&first_bytes, first - connection->asked_at);
    }
    connection->busy = false;
    if (connection->closes) reopen(connection);
    ask_next(connection);
}

/* Takes note of a piece of a body. An event of a stream ends with an empty line. */
static void note_body(Connection *connection, const char *piece, size_t size) {
    if (connection->first_byte_at == 0) connection->first_byte_at = now();
    if (!measuring) return;
    bytes += size;
    const char *at = piece, *end = piece + size, *newline;
    while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (newline == at && connection->after_newline) events++;
        connection->after_newline = true;
        at = newline + 1;
        if (at < end && *at != '\n') connection->after_newline = false;
    }
    if (at < end) connection->after_newline = false;
}

static void read_head(Connection *connection) {
    const char *length = strcasestr(connection->head, "\r\ncontent-length:");
    bool chunked = strcasestr(connection->head, "\r\ntransfer-encoding:") != NULL;
    connection->status = atoi(connection->head + strlen("HTTP/1.1 "));
    connection->closes = strcasestr(connection->head, "\r\nconnection: close") != NULL;
    connection->left = !chunked && length ? strtoull(length + strlen("\r\ncontent-length:"), NULL, 10) : 0;
    connection->part = chunked ? CHUNK_SIZE : length ? BODY_BY_LENGTH : BODY_UNTIL_CLOSE;
}

/* The parts below take from `piece` what is theirs and return how much that was. */

static size_t take_head(Connection *connection, const char *piece, size_t size) {
    size_t before = connection->head_size, room = HEAD_LIMIT - before;
    size_t copied = size < room ? size : room;
    memcpy(connection->head + before, piece, copied);
    connection->head_size += copied;
    size_t from = before > 3 ? before - 3 : 0;
    char *end = memmem(connection->head + from, connection->head_size - from, "\r\n\r\n", 4);
    if (!end) return copied;
    end[2] = 0;
    read_head(connection);
    return (size_t)(end + 4 - connection->head) - before;
}

static size_t take_counted(Connection *connection, const char *piece, size_t size) {
    size_t taken = size < connection->left ? size : (size_t)connection->left;
    note_body(connection, piece, taken);
    connection->left -= taken;
    return taken;
}

static int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    letter |= 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The line of a chunk's size is short: letter by letter is good enough. */
static void take_size_letter(Connection *connection, char letter) {
    int digit = hex_digit(letter);
    if (digit >= 0) connection->left = connection->left * 16 + (uint64_t)digit;
    if (letter != '\n') return;
    connection->part = connection->left ? CHUNK_DATA : TRAILER;
    connection->blank_line = true;
}

/* True when this letter was the last of the answer. */
static bool take_trailer_letter(Connection *connection, char letter) {
    if (letter == '\n' && connection->blank_line) return true;
    if (letter != '\r') connection->blank_line = letter == '\n';
    return false;
}

/* Takes one bite of an answer; true when the answer is complete. */
static bool bite(Connection *connection, const char **piece, size_t *size) {
    size_t taken = 1;
    bool complete = false;
    switch (connection->part) {
    case HEAD:
        taken = take_head(connection, *piece, *size);
        complete = connection->part == BODY_BY_LENGTH && !connection->left;
        break;
    case BODY_BY_LENGTH:
        taken = take_counted(connection, *piece, *size);
        complete = !connection->left;
        break;
    case BODY_UNTIL_CLOSE:
        taken = *size;
        note_body(connection, *piece, taken);
        break;
    case CHUNK_SIZE: take_size_letter(connection, **piece); break;
    case CHUNK_DATA:
        taken = take_counted(connection, *piece, *size);
        if (!connection->left) connection->part = CHUNK_END;
        break;
    case CHUNK_END:
        if (**piece == '\n') connection->part = CHUNK_SIZE;
        break;
    case TRAILER: complete = take_trailer_letter(connection, **piece); break;
    }
    *piece += taken;
    *size -= taken;
    return complete;
}

static void complain(const Connection *connection, const char *piece, size_t size) {
    if (connection->status != 200 && not_200 == 0) {
        fprintf(stderr, "first answer that is not 200:\n%s\n... %.*s\n", connection->head, size < 500 ? (int)size : 500, piece);
    }
}

static void take(Connection *connection, const char *piece, size_t size) {
    const char *whole = piece;
    size_t whole_size = size;
    while (size) {
        if (bite(connection, &piece, &size)) {
            complain(connection, whole, whole_size);
            finish(connection); /* there is no pipelining: what follows an answer is not ours */
            return;
        }
        if (connection->part == HEAD && connection->head_size == HEAD_LIMIT) {
            give_up(connection);
            return;
        }
    }
}

static void read_answer(Connection *connection) {
    static char block[READ_SIZE];
    ssize_t got = recv(connection->fd, block, sizeof block, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got > 0) {
        if (connection->busy) take(connection, block, (size_t)got);
        return;
    }
    if (!connection->busy) {
        reopen(connection); /* it was idle: the server may close it */
    } else if (got == 0 && connection->part == BODY_UNTIL_CLOSE) {
        connection->closes = true;
        finish(connection);
    } else {
        give_up(connection);
    }
}

/* ---------------------------------------------------------------- the run */

static double next_arrival_in(void) {
    return -log(1 - drand48()) / options.rate;
}

static void set_timer(double at) {
    static double set_to = -1;
    if (at == set_to) return;
    set_to = at;
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)at, .tv_nsec = (long)((at - floor(at)) * 1e9)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Starts what is due by `time`; returns when the next is due. */
static double start_due(double time, double begun_at) {
    static double arrival_at = 0;
    if (options.rate > 0) {
        if (arrival_at == 0) arrival_at = begun_at;
        for (; arrival_at <= time; arrival_at += next_arrival_in()) arrive(arrival_at);
        return arrival_at;
    }
    double gap = options.stagger / options.connections;
    for (; started < options.connections && begun_at + started * gap <= time; started++) ask_next(connections + started);
    return started < options.connections ? begun_at + started * gap : INFINITY;
}

static void poll_once(void) {
    struct epoll_event ready[EVENTS];
    int count = epoll_wait(poller, ready, EVENTS, -1);
    for (int at = 0; at < count; at++) {
        Connection *connection = ready[at].data.ptr;
        if (!connection) {
            uint64_t rings;
            if (read(timer, &rings, sizeof rings) < 0 && errno != EAGAIN) fail("timer");
            continue;
        }
        if (ready[at].events & EPOLLOUT) send_rest(connection);
        if (ready[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_answer(connection);
    }
}

/* Runs until `end`; returns the time when it really ended. */
static double run_until(double end, double begun_at) {
    for (;;) {
        double time = now();
        if (time >= end) return time;
        double due_at = start_due(time, begun_at);
        set_timer(due_at < end ? due_at : end);
        poll_once();
    }
}

static void print_result(double seconds, double cpu_s, double own_cpu_s) {
    double requests = (double)latencies.size;
    printf("{\"requests\": %zu, \"seconds\": %.3f, \"rps\": %.1f, ", latencies.size, seconds, requests / seconds);
    printf("\"cpu_s\": %.3f, \"cpu_load\": %.4f, \"cpu_us_per_request\": %.2f, ", cpu_s, cpu_s / seconds,
           latencies.size ? cpu_s * 1e6 / requests : -1);
    print_percentiles("latency_us", &latencies);
    print_percentiles("first_byte_us", &first_bytes);
    printf("\"events\": %ju, \"bytes\": %ju, \"errors\": %ju, \"not_200\": %ju, \"generator_cpu_load\": %.3f}\n", (uintmax_t)events,
           (uintmax_t)bytes, (uintmax_t)errors, (uintmax_t)not_200, own_cpu_s / seconds);
}

static void prepare_request(void) {
    FILE *file = fopen(options.body_file, "rb");
    if (!file) fail(options.body_file);
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    int head_size = asprintf(&request,
                             "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nAccept: */*\r\n"
                             "User-Agent: loadgen/1\r\nAuthorization: Bearer %s\r\nContent-Length: %ld\r\n\r\n",
                             options.path, options.port, options.key, size);
    request_size = (size_t)head_size + (size_t)size;
    request = realloc(request, request_size);
    if (head_size < 0 || !request || fread(request + head_size, 1, (size_t)size, file) != (size_t)size) fail(options.body_file);
    fclose(file);
}

static void prepare_connections(void) {
    struct epoll_event bell = {.events = EPOLLIN, .data.ptr = NULL};
    poller = epoll_create1(0);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    epoll_ctl(poller, EPOLL_CTL_ADD, timer, &bell);
    connections = calloc((size_t)options.connections, sizeof *connections);
    idle = calloc((size_t)options.connections, sizeof(Connection *));
    if (!connections || !idle) fail("calloc");
    server = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int at = 0; at < options.connections; at++) {
        open_connection(connections + at);
        if (connections[at].fd < 0) exit(1);
        if (options.rate > 0) ask_next(connections + at);
    }
}

static void raise_file_limit(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void usage(void) {
    fprintf(stderr, "usage: loadgen --port PORT --body FILE [--path PATH] [--key KEY] [--connections N] [--rate R]\n"
                    "               [--seconds S] [--warmup S] [--stagger S] [--pids P,P,...]\n");
    exit(2);
}

static void read_options(int count, char **arguments) {
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},    {"body", required_argument, NULL, 'b'},
        {"path", required_argument, NULL, 'u'},    {"key", required_argument, NULL, 'k'},
        {"connections", required_argument, NULL, 'c'}, {"rate", required_argument, NULL, 'r'},
        {"seconds", required_argument, NULL, 's'}, {"warmup", required_argument, NULL, 'w'},
        {"stagger", required_argument, NULL, 'g'}, {"pids", required_argument, NULL, 'i'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'p': options.port = atoi(optarg); break;
        case 'b': options.body_file = optarg; break;
        case 'u': options.path = optarg; break;
        case 'k': options.key = optarg; break;
        case 'c': options.connections = atoi(optarg); break;
        case 'r': options.rate = atof(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'w': options.warmup = atof(optarg); break;
        case 'g': options.stagger = atof(optarg); break;
        case 'i': options.pids = optarg; break;
        default: usage();
        }
    }
    if (options.port <= 0 || !options.body_file || options.connections <= 0 || options.seconds <= 0 || optind < count) usage();
}

int main(int count, char **arguments) {
    read_options(count, arguments);
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    srand48(SEED);
    prepare_request();
    prepare_connections();

    double begun_at = now();
    double measured_from = run_until(begun_at + options.warmup, begun_at);
    double cpu = cpu_of_all(options.pids), own = own_cpu();
    measuring = true;
    double measured_to = run_until(begun_at + options.warmup + options.seconds, begun_at);
    print_result(measured_to - measured_from, cpu_of_all(options.pids) - cpu, own_cpu() - own);
    return 0;
}
