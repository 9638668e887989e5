# Runs Autobahn's wstest, given its arguments. Its servers listen on a port that the kernel
# picks, and say which.
import os
import site
import sys
import warnings

here = os.path.dirname(os.path.abspath(__file__))
site.addsitedir(os.path.join(here, '.autobahn', 'lib', 'python2.7', 'site-packages'))
warnings.simplefilter('ignore')

from autobahn.twisted import choosereactor
choosereactor.install_reactor()
from twisted.internet import reactor

listen_tcp = reactor.listenTCP


def listen(port, factory, backlog=50, interface=''):
    listener = listen_tcp(0, factory, backlog, '127.0.0.1')
    factory.externalPort = listener.getHost().port
    print('listening 127.0.0.1:%d' % factory.externalPort)
    sys.stdout.flush()
    return listener


reactor.listenTCP = listen

from autobahntestsuite import wstest
wstest.run()
