/* lg.c - load generator for HTTP/1.1 and server-sent events on loopback. One thread, epoll, no dependencies.
 *
 *   lg -p PORT -P PATH [-a ADDR] [-m METHOD] [-b BODYFILE] [-h "Name: value"]... -c CONNS -d SECONDS
 *      [-w WARM_SECONDS] [-r RATE] [-s] [-E EVENTS] [-T TIMEOUT_S]
 *
 * -r RATE  open loop: requests are due at fixed times; latency counts from the due time, so a stalled
 *          server is charged for the requests it held up. Without -r: closed loop, one request in flight
 *          on each connection.
 * -s       streams: counts "data:" lines, time to first one, and gaps between reads that brought events.
 * -E N     a stream with fewer than N data lines counts as an error.
 * Prints one JSON object. Only loopback addresses are accepted; the run ends by itself.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
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

enum { IDLE, SEND, HEAD, BODY_LEN, CH_SIZE, CH_DATA, CH_CRLF, CH_TRAILER, BODY_EOF };

typedef struct {
    int fd, st, status, keep, inflight, lm, first;
    size_t off, hl;
    uint64_t due, sent, left, lastev;
    long events;
    char h[16384];
    char cl[32];
    int cll;
} conn;

static int ep, port, stream, conns = 1;
static double dur = 5, warm = 0, rate = 0, tmo = 60;
static long expect_ev;
static struct sockaddr_in sa;
static char *req;
static size_t reql;
static conn *cs;
static uint64_t t0, tw, tend, nexti;
static int *idle, nidle;
static unsigned long nok, nerr, nshort, nconnect, nconnerr, ntimeout, bytes, events, events_all, status_hist[600],
    queued_max, backlog;

typedef struct {
    uint32_t *v;
    size_t n, c;
} vec;

static vec lat, ttft, gaps;

static void vpush(vec *a, uint64_t ns) {
    if (a->n == a->c) {
        a->c = a->c ? a->c * 2 : 65536;
        a->v = realloc(a->v, a->c * 4);
    }
    uint64_t t = ns / 100;
    a->v[a->n++] = t > 0xffffffffu ? 0xffffffffu : t;
}

static int cmp(const void *a, const void *b) {
    uint32_t x = *(uint32_t *)a, y = *(uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double pct(vec *a, double p) {
    if (!a->n) return 0;
    size_t i = (size_t)(p / 100 * (a->n - 1) + .5);
    return a->v[i] / 10.0;
}

static double mean(vec *a) {
    double s = 0;
    for (size_t i = 0; i < a->n; i++) s += a->v[i];
    return a->n ? s / a->n / 10.0 : 0;
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void mod(conn *c, int out) {
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

static void start(conn *c, uint64_t due);

static int open_conn(conn *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    nconnect++;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (void *)&sa, sizeof sa) < 0 && errno != EINPROGRESS) {
        nconnerr++;
        close(c->fd);
        c->fd = -1;
        return -1;
    }
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    return 0;
}

static void next(conn *c) { /* the connection is free */
    uint64_t t = now();
    c->inflight = 0;
    c->st = IDLE;
    if (t >= tend) return;
    if (rate > 0) {
        uint64_t due = t0 + (uint64_t)(nexti * 1e9 / rate);
        if (due <= t) {
            nexti++;
            start(c, due);
        } else
            idle[nidle++] = c - cs;
    } else
        start(c, t);
}

static void finish(conn *c, int ok) {
    uint64_t t = now();
    if (c->due >= tw && c->due < tend) {
        if (c->status > 0 && c->status < 600) status_hist[c->status]++;
        if (!ok || c->status != 200)
            nerr++;
        else if (stream && expect_ev && c->events < expect_ev) {
            nerr++;
            nshort++;
        } else if (t <= tend || rate > 0) {
            nok++;
            vpush(&lat, t - c->due);
        }
    }
    c->inflight = 0;
    if (!ok || !c->keep) {
        close(c->fd);
        c->fd = -1;
    }
    next(c);
}

static void pump(conn *c) {
    while (c->off < reql) {
        ssize_t w = send(c->fd, req + c->off, reql - c->off, MSG_NOSIGNAL);
        if (w > 0) {
            c->off += w;
            continue;
        }
        if (w < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            mod(c, 1);
            return;
        }
        c->keep = 0;
        nconnerr++;
        finish(c, 0);
        return;
    }
    c->st = HEAD;
    mod(c, 0);
}

static void start(conn *c, uint64_t due) {
    c->due = due;
    c->inflight = 1;
    c->off = c->hl = 0;
    c->status = 0;
    c->keep = 1;
    c->events = 0;
    c->first = 1;
    c->lm = 0;
    c->lastev = 0;
    c->st = SEND;
    c->sent = now();
    if (c->fd < 0) {
        if (open_conn(c) < 0) {
            c->due = due;
            nerr++;
            idle[nidle++] = c - cs;
            c->inflight = 0;
        }
        return;
    }
    pump(c);
}

static void payload(conn *c, const char *b, size_t k, uint64_t t) {
    if (t >= tw && t < tend) bytes += k;
    if (!stream) return;
    long before = c->events;
    const char *e = b + k;
    while (b < e) { /* lm: 0..4 = matched prefix of "data:" at line start, 9 = inside a line */
        if (c->lm == 9) {
            const char *n = memchr(b, '\n', e - b);
            if (!n) break;
            b = n + 1;
            c->lm = 0;
            continue;
        }
        if (*b == "data:"[c->lm]) {
            if (++c->lm == 5) {
                c->events++;
                c->lm = 9;
            }
            b++;
        } else if (*b == '\n') {
            c->lm = 0;
            b++;
        } else {
            c->lm = 9;
        }
    }
    if (c->events > before) {
        events_all += c->events - before;
        if (t >= tw && t < tend) events += c->events - before;
        if (c->first) {
            c->first = 0;
            if (c->due >= tw && t < tend) vpush(&ttft, t - c->due);
        } else if (c->lastev && t >= tw && t < tend)
            vpush(&gaps, t - c->lastev);
        c->lastev = t;
    }
}

static void head_done(conn *c) {
    c->h[c->hl] = 0;
    c->status = atoi(c->h + 9);
    c->keep = 1;
    long len = -1;
    int chunked = 0;
    for (char *l = strstr(c->h, "\r\n"); l && l[2]; l = strstr(l + 2, "\r\n")) {
        char *n = l + 2;
        if (!strncasecmp(n, "content-length:", 15))
            len = atol(n + 15);
        else if (!strncasecmp(n, "transfer-encoding:", 18))
            chunked = strcasestr(n, "chunked") != NULL;
        else if (!strncasecmp(n, "connection:", 11)) {
            char *x = n + 11;
            while (*x == ' ') x++;
            if (!strncasecmp(x, "close", 5)) c->keep = 0;
        }
    }
    if (chunked) {
        c->st = CH_SIZE;
        c->cll = 0;
    } else if (len >= 0) {
        c->left = len;
        c->st = BODY_LEN;
    } else {
        c->st = BODY_EOF;
        c->keep = 0;
    }
}

static void on_read(conn *c) {
    static char buf[262144];
    for (;;) {
        ssize_t r = recv(c->fd, buf, sizeof buf, 0);
        uint64_t t = now();
        if (r < 0 && errno == EAGAIN) return;
        if (r <= 0) {
            if (c->st == BODY_EOF && r == 0) {
                c->keep = 0;
                finish(c, 1);
                return;
            }
            if (!c->inflight) {
                close(c->fd);
                c->fd = -1;
                return;
            } /* idle connection closed: reopen on use */
            finish(c, 0);
            return;
        }
        char *b = buf, *e = buf + r;
        while (b < e) {
            size_t k = e - b;
            switch (c->st) {
            case HEAD: {
                size_t room = sizeof c->h - 1 - c->hl;
                if (!room) {
                    finish(c, 0);
                    return;
                }
                size_t take = k < room ? k : room;
                memcpy(c->h + c->hl, b, take);
                size_t from = c->hl > 3 ? c->hl - 3 : 0;
                char *z = memmem(c->h + from, c->hl + take - from, "\r\n\r\n", 4);
                if (!z) {
                    c->hl += take;
                    b += take;
                    break;
                }
                size_t total = z + 4 - c->h;
                b += total - c->hl;
                c->hl = total;
                head_done(c);
                if (c->st == BODY_LEN && !c->left) {
                    finish(c, 1);
                    if (c->fd < 0) return;
                }
                break;
            }
            case BODY_LEN: {
                size_t take = k < c->left ? k : c->left;
                payload(c, b, take, t);
                c->left -= take;
                b += take;
                if (!c->left) {
                    finish(c, 1);
                    if (c->fd < 0) return;
                }
                break;
            }
            case BODY_EOF:
                payload(c, b, k, t);
                b = e;
                break;
            case CH_SIZE:
                if (*b == '\n') {
                    c->cl[c->cll] = 0;
                    c->left = strtoul(c->cl, NULL, 16);
                    c->cll = 0;
                    c->st = c->left ? CH_DATA : CH_TRAILER;
                } else if (c->cll < 31)
                    c->cl[c->cll++] = *b;
                b++;
                break;
            case CH_DATA: {
                size_t take = k < c->left ? k : c->left;
                payload(c, b, take, t);
                c->left -= take;
                b += take;
                if (!c->left) c->st = CH_CRLF;
                break;
            }
            case CH_CRLF:
                if (*b == '\n') c->st = CH_SIZE;
                b++;
                break;
            case CH_TRAILER:
                if (*b == '\n') {
                    if (c->cll == 0) {
                        b++;
                        finish(c, 1);
                        if (c->fd < 0) return;
                        break;
                    }
                    c->cll = 0;
                } else if (*b != '\r')
                    c->cll++;
                b++;
                break;
            default:
                close(c->fd);
                c->fd = -1;
                if (c->inflight) finish(c, 0);
                return; /* bytes with no request */
            }
        }
        if ((size_t)r < sizeof buf) return;
    }
}

int main(int argc, char **argv) {
    const char *addr = "127.0.0.1", *path = "/", *method = NULL;
    char *body = NULL;
    size_t bl = 0;
    char hdrs[8192] = "";
    int o;
    while ((o = getopt(argc, argv, "p:P:a:m:b:h:c:d:w:r:sE:T:")) != -1) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'P': path = optarg; break;
        case 'a': addr = optarg; break;
        case 'm': method = optarg; break;
        case 'b': {
            FILE *f = fopen(optarg, "rb");
            if (!f) {
                perror(optarg);
                return 2;
            }
            fseek(f, 0, SEEK_END);
            bl = ftell(f);
            rewind(f);
            body = malloc(bl + 1);
            if (fread(body, 1, bl, f) != bl) return 2;
            fclose(f);
            break;
        }
        case 'h':
            strcat(hdrs, optarg);
            strcat(hdrs, "\r\n");
            break;
        case 'c': conns = atoi(optarg); break;
        case 'd': dur = atof(optarg); break;
        case 'w': warm = atof(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 's': stream = 1; break;
        case 'E': expect_ev = atol(optarg); break;
        case 'T': tmo = atof(optarg); break;
        default: return 2;
        }
    if (strncmp(addr, "127.", 4) || dur > 600 || conns > 20000) {
        fprintf(stderr, "loopback and at most 600 s only\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sa.sin_family = AF_INET;
    sa.sin_port = htons(port);
    inet_pton(AF_INET, addr, &sa.sin_addr);
    req = malloc(bl + 16384);
    reql = sprintf(req, "%s %s HTTP/1.1\r\nhost: %s:%d\r\n%s",
                   method ? method
                   : body ? "POST"
                          : "GET",
                   path, addr, port, hdrs);
    if (body) reql += sprintf(req + reql, "content-type: application/json\r\ncontent-length: %zu\r\n", bl);
    memcpy(req + reql, "\r\n", 2);
    reql += 2;
    if (body) {
        memcpy(req + reql, body, bl);
        reql += bl;
    }
    ep = epoll_create1(0);
    cs = calloc(conns, sizeof *cs);
    idle = malloc(sizeof(int) * conns);
    int tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event te = {.events = EPOLLIN, .data.ptr = &tfd};
    epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &te);
    t0 = now();
    tw = t0 + (uint64_t)(warm * 1e9);
    tend = tw + (uint64_t)(dur * 1e9);
    for (int i = conns - 1; i >= 0; i--) {
        cs[i].fd = -1;
        if (rate > 0)
            idle[nidle++] = i;
        else
            start(&cs[i], t0);
    }
    struct epoll_event ev[512];
    struct rusage r0, r1;
    int got0 = 0;
    for (;;) {
        uint64_t t = now();
        if (!got0 && t >= tw) {
            getrusage(RUSAGE_SELF, &r0);
            got0 = 1;
        }
        if (rate > 0) {
            uint64_t due;
            while (nidle && (due = t0 + (uint64_t)(nexti * 1e9 / rate)) <= t && due < tend) {
                nexti++;
                start(&cs[idle[--nidle]], due);
            }
            uint64_t owed = (uint64_t)((t - t0) * rate / 1e9);
            if (owed > nexti && owed - nexti > queued_max && t < tend) queued_max = owed - nexti;
            due = t0 + (uint64_t)(nexti * 1e9 / rate);
            if (nidle) {
                struct itimerspec ts = {0};
                ts.it_value.tv_sec = due / 1000000000ull;
                ts.it_value.tv_nsec = due % 1000000000ull;
                timerfd_settime(tfd, TFD_TIMER_ABSTIME, &ts, NULL);
            }
        }
        if (t >= tend) {
            int busy = 0;
            if (rate > 0)
                for (int i = 0; i < conns; i++) busy += cs[i].inflight;
            if (!busy || t > tend + 2000000000ull) break;
        }
        int wait = t < tend ? (int)((tend - t) / 1000000) + 1 : 50;
        if (wait > 100) wait = 100;
        int k = epoll_wait(ep, ev, 512, wait);
        for (int i = 0; i < k; i++) {
            if (ev[i].data.ptr == &tfd) {
                uint64_t x;
                if (read(tfd, &x, 8)) {}
                continue;
            }
            conn *c = ev[i].data.ptr;
            if (c->fd < 0) continue;
            if (c->st == SEND && (ev[i].events & (EPOLLERR | EPOLLHUP))) {
                nconnerr++;
                c->keep = 0;
                close(c->fd);
                c->fd = -1;
                c->inflight = 0;
                nerr++;
                if (now() < tend) {
                    usleep(1000);
                    next(c);
                }
                continue;
            }
            if (c->st == SEND && (ev[i].events & EPOLLOUT)) pump(c);
            if (c->fd >= 0 && (ev[i].events & (EPOLLIN | EPOLLHUP))) on_read(c);
        }
        if (k == 0 && t < tend)
            for (int i = 0; i < conns; i++)
                if (cs[i].inflight && t - cs[i].sent > tmo * 1e9) {
                    ntimeout++;
                    cs[i].keep = 0;
                    finish(&cs[i], 0);
                }
    }
    if (rate > 0) {
        uint64_t want = (uint64_t)((tend - t0) * rate / 1e9);
        backlog = want > nexti ? want - nexti : 0;
    }
    getrusage(RUSAGE_SELF, &r1);
    double cpu = (r1.ru_utime.tv_sec - r0.ru_utime.tv_sec) + (r1.ru_utime.tv_usec - r0.ru_utime.tv_usec) / 1e6 +
                 (r1.ru_stime.tv_sec - r0.ru_stime.tv_sec) + (r1.ru_stime.tv_usec - r0.ru_stime.tv_usec) / 1e6;
    qsort(lat.v, lat.n, 4, cmp);
    qsort(ttft.v, ttft.n, 4, cmp);
    qsort(gaps.v, gaps.n, 4, cmp);
    printf("{\"ok\":%lu,\"err\":%lu,\"short\":%lu,\"timeouts\":%lu,\"connects\":%lu,\"connerr\":%lu,\"unsent\":%lu,"
           "\"rps\":%.1f,\"lat_us\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f},",
           nok, nerr, nshort, ntimeout, nconnect, nconnerr, backlog, nok / dur, mean(&lat), pct(&lat, 50),
           pct(&lat, 90), pct(&lat, 99), pct(&lat, 99.9), pct(&lat, 100));
    printf("\"bytes_s\":%.0f,\"events\":%lu,\"events_all\":%lu,\"events_s\":%.1f,\"ttft_us\":{\"mean\":%.1f,\"p50\":%."
           "1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f},\"gap_us\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"max\":%.1f}"
           ",\"lg_cpu\":%.2f,\"status\":{",
           bytes / dur, events, events_all, events / dur, mean(&ttft), pct(&ttft, 50), pct(&ttft, 90), pct(&ttft, 99),
           pct(&ttft, 100), pct(&gaps, 50), pct(&gaps, 90), pct(&gaps, 99), pct(&gaps, 100), cpu / dur);
    int f = 0;
    for (int i = 0; i < 600; i++)
        if (status_hist[i]) printf("%s\"%d\":%lu", f++ ? "," : "", i, status_hist[i]);
    printf("}}\n");
    return 0;
}
