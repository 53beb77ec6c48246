/* A load of SET or GET for redis-server and for the nodes of a cluster, on one core.
 *
 * load MODE CLIENTS PIPELINE SECONDS KEYS SEED PORT:TAG[,TAG...] ...
 *
 * MODE: fill (each key once, whatever SECONDS says), set, get, or wait (SET, then WAIT 1 0; a
 * request is done when both have answered). A client has a connection to each port and one
 * pipeline under way: random keys of a random tag's leader. MOVED teaches who leads the tag.
 * Prints one line of JSON; a wrong reply ends it with status 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TAGS_MAX = 1024, PORTS_MAX = 16, VALUE_BYTES = 64, BUFFER_BYTES = 1 << 16 };

struct connection {
    int socket;
    struct client *client;
    char input[BUFFER_BYTES];
    int held; /* bytes in input */
};

struct client {
    struct connection *connections; /* one a port */
    int *tags;                      /* of the requests under way */
    int replies_left, replies_all;
    double sent_at;
};

static char *tag_names[TAGS_MAX];
static int tag_owners[TAGS_MAX], tags, ports[PORTS_MAX], port_count;
static int fill, get, wait, clients, pipeline, poller;
static long keys_per_tag, filled, done, moved, refused;
static double ends_at;
static float *latencies;
static size_t latency_count, latency_space;
static unsigned long chance;
static char value[VALUE_BYTES + 1];

static void fail(const char *format, ...) {
    va_list words;
    va_start(words, format);
    vfprintf(stderr, format, words);
    fprintf(stderr, "\n");
    exit(1);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static unsigned long draw(unsigned long below) { /* xorshift64 */
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (chance >> 11) % below;
}

static int other_tag_of(int owner) {
    for (;;) {
        int tag = draw(tags);
        if (tag_owners[tag] == owner) return tag;
    }
}

static int send_pipeline(struct client *client) { /* 0 when there is nothing more to send */
    static char output[BUFFER_BYTES];
    int size = 0, count = 0, owner = -1, tag = 0;
    if (!fill && now() >= ends_at) return 0;
    while (count < pipeline) {
        long number;
        char key[64];
        if (fill) {
            if (filled == keys_per_tag * tags) break;
            tag = filled / keys_per_tag;
            if (owner >= 0 && tag_owners[tag] != owner) break;
            number = filled++ % keys_per_tag;
        } else {
            tag = owner < 0 ? (int)draw(tags) : other_tag_of(owner);
            number = draw(keys_per_tag);
        }
        owner = tag_owners[tag];
        client->tags[count++] = tag;
        int length = sprintf(key, "key:{%s}:%06ld", tag_names[tag], number);
        if (get)
            size += sprintf(output + size, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", length, key);
        else
            size += sprintf(output + size, "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", length,
                            key, VALUE_BYTES, value);
        if (wait) size += sprintf(output + size, "*3\r\n$4\r\nWAIT\r\n$1\r\n1\r\n$1\r\n0\r\n");
    }
    if (!count) return 0;
    client->replies_all = client->replies_left = wait ? 2 * count : count;
    client->sent_at = now();
    if (write(client->connections[owner].socket, output, size) != size)
        fail("cannot send: %s", strerror(errno));
    return 1;
}

static void take_reply(struct client *client, const char *line) {
    int place = client->replies_all - client->replies_left--;
    if (!strncmp(line, "-MOVED", 6)) {
        int port = atoi(strrchr(line, ':') + 1), owner = 0;
        while (owner < port_count && ports[owner] != port) owner++;
        if (owner == port_count) fail("moved to a stranger: %.80s", line);
        tag_owners[client->tags[place]] = owner;
        moved++;
    } else if (line[0] == '-') {
        if (!refused++) fprintf(stderr, "%.80s\n", line);
    } else if (wait && place % 2) {
        if (line[0] != ':' || atoi(line + 1) < 1) fail("WAIT answered %.80s", line);
        done++;
    } else if (get) {
        if (atoi(line + 1) != VALUE_BYTES) fail("GET answered %.80s", line);
        done++;
    } else {
        if (strncmp(line, "+OK", 3)) fail("SET answered %.80s", line);
        if (!wait) done++;
    }
    if (client->replies_left) return;
    if (latency_count == latency_space) {
        latency_space = latency_space ? 2 * latency_space : 1 << 16;
        latencies = realloc(latencies, latency_space * sizeof *latencies);
    }
    latencies[latency_count++] = (now() - client->sent_at) * 1e3;
}

static void receive(struct connection *from) {
    int room = BUFFER_BYTES - 1 - from->held, taken = 0;
    int count = read(from->socket, from->input + from->held, room);
    if (count <= 0) fail("the server closed a connection");
    from->held += count;
    from->input[from->held] = 0;
    for (;;) {
        char *line = from->input + taken, *end = memchr(line, '\n', from->held - taken);
        if (!end) break;
        int size = end + 1 - line;
        if (line[0] == '$' && line[1] != '-') size += atoi(line + 1) + 2;
        if (taken + size > from->held) break;
        take_reply(from->client, line);
        taken += size;
    }
    from->held -= taken;
    memmove(from->input, from->input + taken, from->held);
}

static int connected(int port) {
    int one = 1, found = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (connect(found, (struct sockaddr *)&address, sizeof address))
        fail("port %d: %s", port, strerror(errno));
    setsockopt(found, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return found;
}

static int compare(const void *one, const void *two) {
    float a = *(const float *)one, b = *(const float *)two;
    return (a > b) - (a < b);
}

int main(int count, char **words) {
    if (count < 8) fail("usage: load MODE CLIENTS PIPELINE SECONDS KEYS SEED PORT:TAG,... ...");
    fill = !strcmp(words[1], "fill");
    get = !strcmp(words[1], "get");
    wait = !strcmp(words[1], "wait");
    clients = atoi(words[2]);
    pipeline = atoi(words[3]);
    if (pipeline < 1 || pipeline > 256) fail("a pipeline has 1 to 256 requests");
    chance = atol(words[6]) * 2654435761UL + 88172645463325252UL;
    memset(value, 'x', VALUE_BYTES);
    for (int place = 7; place < count && port_count < PORTS_MAX; place++, port_count++) {
        char *names = strchr(words[place], ':');
        ports[port_count] = atoi(words[place]);
        for (char *name = strtok(names + 1, ","); name && tags < TAGS_MAX; name = strtok(0, ",")) {
            tag_owners[tags] = port_count;
            tag_names[tags++] = name;
        }
    }
    keys_per_tag = (atol(words[5]) + tags - 1) / tags;
    poller = epoll_create1(0);
    struct client *all = calloc(clients, sizeof *all);
    for (int number = 0; number < clients; number++) {
        all[number].tags = calloc(2 * pipeline, sizeof(int));
        all[number].connections = calloc(port_count, sizeof(struct connection));
        for (int to = 0; to < port_count; to++) {
            struct connection *made = &all[number].connections[to];
            made->socket = connected(ports[to]);
            made->client = &all[number];
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = made};
            epoll_ctl(poller, EPOLL_CTL_ADD, made->socket, &event);
        }
    }
    double started = now();
    ends_at = started + atof(words[4]);
    int busy = 0;
    for (int number = 0; number < clients; number++) busy += send_pipeline(&all[number]);
    while (busy) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int place = 0; place < ready; place++) {
            struct connection *from = events[place].data.ptr;
            receive(from);
            if (!from->client->replies_left && !send_pipeline(from->client)) busy--;
        }
    }
    double seconds = now() - started;
    qsort(latencies, latency_count, sizeof *latencies, compare);
#define SHARE(share) (latency_count ? latencies[(size_t)((latency_count - 1) * share)] : 0.0)
    printf("{\"requests\": %ld, \"seconds\": %.6f, \"moved\": %ld, \"refused\": %ld, "
           "\"p50_ms\": %.4f, \"p99_ms\": %.4f, \"max_ms\": %.4f}\n",
           done, seconds, moved, refused, SHARE(0.5), SHARE(0.99), SHARE(1.0));
    return 0;
}
