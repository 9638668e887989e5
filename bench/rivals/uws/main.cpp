// uWebSockets: WebSocket echo, and a room whose messages go to all members. One app per thread,
// all of them on one port; a message for all is published by each app to its own members.
#include "App.h"

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

struct Nothing {};

struct Member {
    uWS::Loop *loop;
    uWS::App *app;
};

static std::mutex lock;
static std::vector<Member> members;
// listening is 1 once a thread does, -1 if it cannot, 0 until then.
static std::atomic<int> listening;

// tell_all hands a message to all threads.
static void tell_all(std::string_view message) {
    std::lock_guard<std::mutex> guard(lock);
    for (Member m : members) {
        m.loop->defer([app = m.app, text = std::string(message)]() { app->publish("all", text, uWS::BINARY, false); });
    }
}

static uWS::App::WebSocketBehavior<Nothing> behavior() {
    uWS::App::WebSocketBehavior<Nothing> b;
    b.compression = uWS::DISABLED;
    b.maxPayloadLength = 1 << 20;
    return b;
}

// reserve finds a free port, and keeps it for sockets that share it, as those of uSockets do
// but for port 0.
static int reserve(const std::string &host) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    sockaddr_in addr{};
    socklen_t size = sizeof addr;
    addr.sin_family = AF_INET;
    inet_pton(AF_INET, host.c_str(), &addr.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (sockaddr *)&addr, size) || getsockname(fd, (sockaddr *)&addr, &size)) {
        return -1;
    }
    return ntohs(addr.sin_port);
}

static void serve(const std::string &host, int port) {
    auto echo = behavior(), room = behavior();
    echo.message = [](auto *ws, std::string_view message, uWS::OpCode code) { ws->send(message, code); };
    room.open = [](auto *ws) { ws->subscribe("all"); };
    room.message = [](auto *, std::string_view message, uWS::OpCode) { tell_all(message); };
    uWS::App app;
    app.ws<Nothing>("/ws", std::move(echo)).ws<Nothing>("/room", std::move(room));
    {
        std::lock_guard<std::mutex> guard(lock);
        members.push_back({uWS::Loop::get(), &app});
    }
    app.listen(host, port, [](us_listen_socket_t *socket) {
        listening.store(socket ? 1 : -1);
        listening.notify_all();
    });
    app.run();
}

int main(int argc, char **argv) {
    std::string host = "127.0.0.1";
    int port = 0, workers = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string value = argv[i + 1];
        if (!strcmp(argv[i], "-workers")) {
            workers = atoi(value.c_str());
        } else if (!strcmp(argv[i], "-addr")) {
            size_t colon = value.rfind(':');
            host = value.substr(0, colon);
            port = atoi(value.c_str() + colon + 1);
        } else {
            fprintf(stderr, "no option %s\n", argv[i]);
            return 2;
        }
    }
    if (port == 0) {
        port = reserve(host);
    }
    signal(SIGTERM, [](int) { _exit(0); });
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; i++) {
        listening = 0;
        threads.emplace_back(serve, host, port);
        listening.wait(0);
        if (listening < 0) {
            fprintf(stderr, "cannot listen\n");
            _exit(1);
        }
    }
    printf("listening %s:%d\n", host.c_str(), port);
    fflush(stdout);
    for (std::thread &t : threads) {
        t.join();
    }
}
